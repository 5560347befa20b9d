import { lstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs'

/** Makes `path` a link to `target`, in place of another link; what else stands there stays. @throws Error of the system */
export function linkFolder(path: string, target: string): void {
  const before = lstatSync(path, { throwIfNoEntry: false })
  if (before?.isSymbolicLink() === true) {
    if (readlinkSync(path) === target) return
    unlinkSync(path)
  }
  symlinkSync(target, path)
}

/** Where a link leads, as it is written; undefined where `path` is none. */
export function linkTarget(path: string): string | undefined {
  const there = lstatSync(path, { throwIfNoEntry: false })
  return there?.isSymbolicLink() === true ? readlinkSync(path) : undefined
}
