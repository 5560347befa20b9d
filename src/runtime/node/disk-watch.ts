/**
 * Watches a path by the kernel's word where it gives one, and by looking every few seconds where it does not (network
 * file systems, containers, a folder that came later). Told only of real change: what was seen is compared first. A file that
 * was put in place by a rename is whole and seen at once; one that is written where it lies, once its writer is quiet.
 */
import fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DiskWatch } from '../disk.ts'

/** A rename is followed by nothing; a new file by what is written into it. */
const renamedMs = 2
const quietMs = 25
/** A file that is away or empty is about to come back, mostly; a folder is seldom changed once. */
const settleMs = 100
/** For a writer that is never quiet. */
const longestMs = 400
const lookMs = 3_000
const maxNames = 10_000

type IsOurs = (name: string) => boolean

export function watchPath(
  path: string,
  changed: () => void,
  isOurs: IsOurs = () => false,
): DiskWatch {
  let seen = signature(path, isOurs)
  const look = (): void => {
    const found = signature(path, isOurs)
    if (found === seen) return
    seen = found
    changed()
  }
  const looking = setInterval(look, lookMs).unref()
  const settling = new Settling(path, look)
  const watcher = kernelWatch(path, isOurs, (event) => settling.touched(event))
  return {
    close() {
      clearInterval(looking)
      settling.end()
      watcher?.close()
    },
  }
}

type Event = 'rename' | 'change' | 'in folder'

/** When to look, after the kernel has said that there was something. */
class Settling {
  readonly #path: string
  readonly #look: () => void
  #timer: NodeJS.Timeout | undefined
  #isRename = false
  #sinceMs = 0

  constructor(path: string, look: () => void) {
    this.#path = path
    this.#look = look
  }

  touched(event: Event): void {
    if (this.#timer === undefined) {
      this.#sinceMs = performance.now()
      this.#isRename = event === 'rename'
      const waitMs = { rename: renamedMs, change: quietMs, 'in folder': settleMs }[event]
      this.#wait(waitMs)
    } else if (event === 'change' && performance.now() - this.#sinceMs < longestMs) {
      // Of what is written now, more may come.
      if (!this.#isRename) this.#timer.refresh()
      else this.#wait(quietMs)
      this.#isRename = false
    }
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #wait(waitMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (waitMs < settleMs && isEmpty(this.#path)) {
        this.#wait(settleMs)
        return
      }
      this.#timer = undefined
      this.#look()
    }, waitMs).unref()
  }
}

/** A file is watched through its folder, since it may be replaced by a rename. */
function kernelWatch(
  path: string,
  isOurs: IsOurs,
  touched: (event: Event) => void,
): fs.FSWatcher | undefined {
  try {
    const isFolder = fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
    const folder = isFolder ? path : dirname(path)
    const watcher = fs.watch(folder, { persistent: false }, (event, name) => {
      if (isFolder) {
        if (name === null || !isOurs(name)) touched('in folder')
      } else if (name === null) touched('in folder')
      else if (name === basename(path)) touched(event)
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    // No inotify instance left, or no such folder yet: looking every few seconds remains.
    return undefined
  }
}

function isEmpty(path: string): boolean {
  try {
    return (fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0
  } catch {
    // Its folder is closed to us, or gone: whoever reads it will say so.
    return true
  }
}

/** Changes when the file, or a name or file in the folder, changes. */
function signature(path: string, isOurs: IsOurs): string {
  const own = statText(path)
  if (!own.startsWith('folder')) return own
  return namesIn(path)
    .filter((name) => !isOurs(name))
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

/** Where what we say goes: it may be a file in a folder that we watch, and to tell of it would be to write the next line. */
const said = [1, 2].map((descriptor) => {
  try {
    const { dev, ino } = fs.fstatSync(descriptor, { bigint: true })
    return `${dev} ${ino}`
  } catch {
    return ''
  }
})

function statText(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, mode } = fs.statSync(path, { bigint: true })
    if (said.includes(`${dev} ${ino}`)) return 'ours'
    const kind = (Number(mode) & fs.constants.S_IFMT) === fs.constants.S_IFDIR ? 'folder' : 'file'
    return `${kind} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
  } catch {
    // Missing, or not ours to see: its coming back is the change.
    return 'none'
  }
}
