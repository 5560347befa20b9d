/**
 * A folder of log files as multilog keeps it: `current` is written, mode 644, and 744 once it is finished and safe on the
 * disk; old ones are `@<tai64n>.s`, or `.u` where a crash left them unfinished; of all only so many are kept. Several
 * processes write to `current`, each line whole. Whoever finds it full moves it away, under a lock that is a file;
 * the others see that the name leads elsewhere before their next write.
 */
import { chmod, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { append, followed, isMissing, type LogTarget, type OpenLogFile } from './log-target.ts'

export interface LogFolderOptions {
  readonly path: string
  /** Old files that are kept beside `current`; at least 2, as with multilog. */
  readonly files: number
  /** No file is larger, unless one line is. */
  readonly fileBytes: number
  /** The TAI64N label of a time in milliseconds, with its `@`: names a file that is finished. */
  readonly label: (now: number) => string
}

const finished = 0o744
const unfinished = 0o644
/** Of the folder: who sends mail to whom is nobody else's business. As multilog makes it. */
const closed = 0o700
const oldFile = /^@[0-9a-f]{24}\.[su]$/
/** Whoever holds the lock needs a moment; a longer hold is one of a process that was killed. */
const staleLockMs = 10_000
const lockPauseMs = 20
const newline = 0x0a

export class LogFolder implements LogTarget {
  readonly #options: LogFolderOptions
  readonly #current: string
  readonly #lock: string
  #file: OpenLogFile | undefined
  /** Whether this process is the one that a gateway begins and ends with. */
  #keeper = false

  constructor(options: LogFolderOptions) {
    this.#options = options
    this.#current = join(options.path, 'current')
    this.#lock = join(options.path, 'rotating')
  }

  /** What a crash left is set aside as it is; what was finished is written on. */
  async open(): Promise<void> {
    this.#keeper = true
    await mkdir(this.#options.path, { recursive: true, mode: closed })
    const left = await stat(this.#current).catch(() => undefined)
    if (left === undefined || left.size === 0) return
    if ((left.mode & 0o100) !== 0) return chmod(this.#current, unfinished)
    await this.#setAside('.u', left.ino)
  }

  async write(bytes: Buffer): Promise<number> {
    for (;;) {
      const file = (this.#file = await followed(this.#current, this.#file))
      const share = fitting(bytes, this.#options.fileBytes - file.sizeBytes, file.sizeBytes === 0)
      if (share > 0) return append(file, bytes.subarray(0, share))
      await this.#rotate(file)
    }
  }

  async rest(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.handle.close()
  }

  async close(): Promise<void> {
    const before = this.#file
    this.#file = undefined
    if (!this.#keeper) return before?.handle.close()
    // It may be that only others have written.
    const { handle } = await followed(this.#current, before)
    try {
      await handle.sync()
      await handle.chmod(finished)
    } finally {
      await handle.close()
    }
  }

  /** Moves the full file away, unless another process does so or has done so. Synced first: a slow disk is no reason to hold the lock for long. */
  async #rotate({ handle, inode }: OpenLogFile): Promise<void> {
    await handle.sync()
    if (!(await this.#locked())) return
    try {
      if (!(await this.#isCurrent(inode))) return
      await handle.chmod(finished)
      await this.#setAside('.s', inode)
    } finally {
      await unlink(this.#lock).catch(ignoreMissing)
    }
  }

  /** @returns false where somebody else is at it: then all that is to do is to look again */
  async #locked(): Promise<boolean> {
    try {
      await (await open(this.#lock, 'wx', unfinished)).close()
      return true
    } catch (error) {
      if (!isThere(error)) throw error
    }
    const held = await stat(this.#lock).catch(() => undefined)
    if (held !== undefined && Date.now() - held.mtimeMs > staleLockMs) {
      await unlink(this.#lock).catch(ignoreMissing)
    } else await new Promise((resolve) => void setTimeout(resolve, lockPauseMs))
    return false
  }

  /** A name that is ours from now on: another process may have come by the same moment. */
  async #freeName(kind: '.s' | '.u'): Promise<string> {
    const { path, label } = this.#options
    for (;;) {
      const name = label(Date.now()) + kind
      try {
        await (await open(join(path, name), 'wx', unfinished)).close()
        return name
      } catch (error) {
        if (!isThere(error)) throw error
      }
    }
  }

  async #isCurrent(inode: number): Promise<boolean> {
    return (await stat(this.#current).catch(() => undefined))?.ino === inode
  }

  /**
   * Whoever was stopped for so long that another has taken the lock finds another file there, or another's old one under the
   * name that it wanted: neither is lost.
   */
  async #setAside(kind: '.s' | '.u', inode: number): Promise<void> {
    const { path, files } = this.#options
    const name = await this.#freeName(kind)
    if (await this.#isCurrent(inode)) await rename(this.#current, join(path, name))
    else await unlink(join(path, name)).catch(ignoreMissing)
    const old = (await readdir(path)).filter((each) => oldFile.test(each)).toSorted()
    for (const each of old.slice(0, Math.max(0, old.length - files))) {
      await unlink(join(path, each)).catch(ignoreMissing)
    }
  }
}

function isThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}

/** So many bytes of these lines go into the room that is left; into an empty file always one line. */
function fitting(bytes: Buffer, room: number, isEmpty: boolean): number {
  if (bytes.length <= room) return bytes.length
  const whole = room > 0 ? bytes.lastIndexOf(newline, room - 1) + 1 : 0
  if (whole > 0 || !isEmpty) return whole
  const first = bytes.indexOf(newline) + 1
  return first === 0 ? bytes.length : first
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}
