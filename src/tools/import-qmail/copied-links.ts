import { dirname, posix } from 'node:path'
import { linkTarget } from '../../runtime/node/folder-link.ts'

/** As the system has it. */
const mostLinks = 40

/** Where a copy lies, and what its paths were when it was in its place. */
export interface CopiedFolder {
  /** Absolute; nothing above it is of the copy. */
  readonly top: string
  /** What the top was called in its place; empty for the root of a disk. */
  readonly was: string
  /** Where a path that the installation names lies. */
  readonly place: (path: string) => string
  /** Links that lead out of the copy are followed too: whoever made it may choose what is read here, by root perhaps. */
  readonly followOutside: boolean
}

/**
 * Symbolic links in the copy of an installation lead where they led in its place: `control -> /etc/qmail` to the `/etc/qmail`
 * of the copy, not to that of the host that reads it.
 */
export class CopiedLinks {
  readonly #copy: CopiedFolder
  /** Links that lead out of the copy, for it has no such place: where they lie, and where they lead. */
  readonly outside = new Map<string, string>()
  /** The link behind the last of so many, for each path that leads from link to link without an end. */
  readonly endless = new Set<string>()

  constructor(copy: CopiedFolder) {
    this.#copy = copy
  }

  /** @returns the path with its links followed; undefined where they lead to what is not to be read */
  follow(path: string, left: number = mostLinks): string | undefined {
    const { top, was, place, followOutside } = this.#copy
    if (!this.#isInside(path)) return path
    const names = path.slice(top.length + 1).split('/')
    for (let depth = 1; depth <= names.length; depth++) {
      const at = `${top}/${names.slice(0, depth).join('/')}`
      const target = targetOf(at)
      if (target === undefined) continue
      if (left === 0) {
        this.endless.add(at)
        return undefined
      }
      const folder = `${was}${dirname(at).slice(top.length)}`
      const lead = place(posix.resolve('/', folder, target))
      if (lead !== top && !this.#isInside(lead)) {
        this.outside.set(at, lead)
        if (!followOutside) return undefined
      }
      return this.follow([lead, ...names.slice(depth)].join('/'), left - 1)
    }
    return path
  }

  #isInside(path: string): boolean {
    return path.startsWith(`${this.#copy.top}/`)
  }
}

/** Of what nobody may look at, nothing is known; reading it will say so. */
function targetOf(path: string): string | undefined {
  try {
    return linkTarget(path)
  } catch {
    return undefined
  }
}
