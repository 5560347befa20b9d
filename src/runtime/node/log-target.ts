/** Where lines of a log go: a stream that somebody else has opened, or a file that may be moved away at any time. */
import { write } from 'node:fs'
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface LogTarget {
  /** Its failure is nothing to tell the standard error of. */
  readonly isStream?: boolean
  /** For the first process of a gateway, before the others write. */
  open?(): Promise<void>
  /** Appends. @returns how much of it is written, at least one byte @throws what the system says */
  write(bytes: Buffer): Promise<number>
  /** Nothing was written for a while: a file that somebody has removed to make room gives back its room. */
  rest?(): Promise<void>
  close(): Promise<void>
}

/** A pipe keeps the bytes of one write together up to here (PIPE_BUF of Linux). */
const pipeBytes = 4_096
const newline = 0x0a

/** The standard output or error, which several processes write to. */
export function streamTarget(descriptor: number): LogTarget {
  return {
    isStream: true,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        write(descriptor, bytes, 0, wholeLines(bytes), (error, written) => {
          if (error === null) resolve(written)
          else reject(error)
        })
      }),
    close: async () => undefined,
  }
}

/** As many lines as one write keeps together; of a longer line all. */
function wholeLines(bytes: Buffer): number {
  if (bytes.length <= pipeBytes) return bytes.length
  const together = bytes.lastIndexOf(newline, pipeBytes - 1) + 1
  return together > 0 ? together : bytes.indexOf(newline) + 1 || bytes.length
}

/**
 * A file for several processes: each line is appended whole. Where somebody has moved it away (logrotate), the next
 * lines go to a new one.
 */
export class FileTarget implements LogTarget {
  readonly #path: string
  #file: OpenLogFile | undefined

  constructor(path: string) {
    this.#path = path
  }

  async write(bytes: Buffer): Promise<number> {
    this.#file = await followed(this.#path, this.#file)
    return append(this.#file, bytes)
  }

  async rest(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.handle.close()
  }

  close(): Promise<void> {
    return this.rest()
  }
}

/** A file under its name; `sizeBytes` as it was just now, whoever has written to it. */
export interface OpenLogFile {
  readonly handle: FileHandle
  readonly inode: number
  readonly sizeBytes: number
}

/**
 * Appends lines. Where the disk has no room for all of them, what is there of the last one is cut off again: another process
 * may write next, or the file be moved away.
 * @returns how many bytes are written @throws what the system says
 */
export async function append({ handle, sizeBytes }: OpenLogFile, bytes: Buffer): Promise<number> {
  const { bytesWritten } = await handle.write(bytes)
  if (bytesWritten === bytes.length) return bytesWritten
  const { size } = await handle.stat()
  // Somebody has written behind it already: the rest comes when there is room.
  if (size !== sizeBytes + bytesWritten) return bytesWritten
  const whole = bytes.subarray(0, bytesWritten).lastIndexOf(newline) + 1
  await handle.truncate(sizeBytes + whole)
  if (whole === 0) throw new Error('ENOSPC: no space left for a whole line')
  return whole
}

/** The file of that name as it is now: the one that is open, or another where that one has been moved or removed. */
export async function followed(
  path: string,
  before: OpenLogFile | undefined,
): Promise<OpenLogFile> {
  if (before !== undefined) {
    const now = await stat(path).catch(() => undefined)
    if (now?.ino === before.inode) return { ...before, sizeBytes: now.size }
    await before.handle.close()
  }
  const handle = await opened(path)
  const { ino: inode, size: sizeBytes } = await handle.stat()
  return { handle, inode, sizeBytes }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'a', 0o644)
  } catch (error) {
    if (!isMissing(error)) throw error
    await mkdir(dirname(path), { recursive: true })
    return open(path, 'a', 0o644)
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
