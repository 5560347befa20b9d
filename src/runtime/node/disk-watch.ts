/**
 * Watches a path by the kernel's word where it gives one, and by looking every few seconds where it does not (network
 * file systems, containers, a folder that came later). Told only of real change: what was seen is compared first.
 */
import fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DiskWatch } from '../disk.ts'

const settleMs = 100
const lookMs = 3_000
const maxNames = 10_000

export function watchPath(path: string, changed: () => void): DiskWatch {
  let seen = signature(path)
  let settling: NodeJS.Timeout | undefined
  const look = (): void => {
    settling = undefined
    const found = signature(path)
    if (found === seen) return
    seen = found
    changed()
  }
  const looking = setInterval(look, lookMs).unref()
  const watcher = kernelWatch(path, () => {
    settling ??= setTimeout(look, settleMs).unref()
  })
  return {
    close() {
      clearInterval(looking)
      clearTimeout(settling)
      watcher?.close()
    },
  }
}

/** A file is watched through its folder, since it may be replaced by a rename. */
function kernelWatch(path: string, touched: () => void): fs.FSWatcher | undefined {
  try {
    const isFolder = fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
    const folder = isFolder ? path : dirname(path)
    const watcher = fs.watch(folder, { persistent: false }, (_event, name) => {
      if (isFolder || name === null || name === basename(path)) touched()
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    // No inotify instance left, or no such folder yet: looking every few seconds remains.
    return undefined
  }
}

/** Changes when the file, or a name or file in the folder, changes. */
function signature(path: string): string {
  const own = statText(path)
  if (!own.startsWith('folder')) return own
  return namesIn(path)
    .slice(0, maxNames)
    .map((name) => `${name} ${statText(join(path, name))}`)
    .join('\n')
}

function namesIn(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder).toSorted()
  } catch {
    // Removed or closed to us a moment ago: as good as empty.
    return []
  }
}

function statText(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs, mode } = fs.statSync(path, { bigint: true })
    const kind = (Number(mode) & fs.constants.S_IFMT) === fs.constants.S_IFDIR ? 'folder' : 'file'
    return `${kind} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
  } catch {
    // Missing, or not ours to see: its coming back is the change.
    return 'none'
  }
}
