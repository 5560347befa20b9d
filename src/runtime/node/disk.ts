/**
 * The disk as Node sees it. Every failure leaves as a PosternError that names the path; a short write is carried on,
 * never believed. Nothing is retried here: only who made a promise knows what a failed sync means.
 */
import fs from 'node:fs'
import { errorMessage, PosternError } from '../../mail/errors.ts'
import type { Disk, DiskFile, FileStat } from '../disk.ts'
import { lockFile } from './disk-lock.ts'
import { watchPath } from './disk-watch.ts'

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants
const openFlags = {
  // What is no file after all, such as a FIFO, keeps nobody waiting.
  read: O_RDONLY | O_NONBLOCK,
  write: 'r+',
  // Linux's pwrite(2) heeds no position then. A FIFO fails at once, as above.
  append: O_WRONLY | O_APPEND | O_NONBLOCK,
  create: 'wx+',
  open: O_RDWR | O_CREAT,
  foreign: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
} as const

export const systemDisk: Disk = Object.freeze({
  async open(path: string, mode: keyof typeof openFlags) {
    const fd = await result<number>(path, (done) => fs.open(path, openFlags[mode], 0o600, done))
    return new SystemFile(path, fd)
  },
  openNow: (path: string) =>
    new SystemFile(
      path,
      attempt(path, () => fs.openSync(path, openFlags.read)),
    ),
  async readFile(path: string, maxBytes = Infinity) {
    const file = await systemDisk.open(path, 'read')
    try {
      const { sizeBytes } = await file.stat()
      assertSize(path, sizeBytes, maxBytes)
      return await file.read(0, sizeBytes)
    } finally {
      await file.close()
    }
  },
  readFileNow(path: string, maxBytes = Infinity) {
    const fd = attempt(path, () => fs.openSync(path, openFlags.read))
    try {
      const stat = attempt(path, () => fs.fstatSync(fd))
      assertSize(path, stat.size, maxBytes)
      assertEnds(path, stat, fd)
      return attempt(path, () => fs.readFileSync(fd))
    } finally {
      fs.closeSync(fd)
    }
  },
  list: (path: string) => result<string[]>(path, (done) => fs.readdir(path, done)),
  stat: async (path: string) =>
    fileStat(await result<fs.Stats>(path, (done) => fs.stat(path, done))),
  statNow: (path: string) => fileStat(attempt(path, () => fs.statSync(path))),
  statName: async (path: string) =>
    fileStat(await result<fs.Stats>(path, (done) => fs.lstat(path, done))),
  async space(path: string) {
    const found = await result<fs.StatsFs>(path, (done) => fs.statfs(path, done))
    return {
      sizeBytes: found.blocks * found.bsize,
      freeBytes: found.bavail * found.bsize,
      inodes: found.files,
      freeInodes: found.ffree,
    }
  },
  makeDirectory: (path: string) =>
    outcome(path, (done) =>
      fs.mkdir(path, { recursive: true, mode: 0o700 }, (error) => done(error)),
    ),
  setMode: (path: string, mode: number) => outcome(path, (done) => fs.chmod(path, mode, done)),
  rename: (from: string, to: string) => outcome(from, (done) => fs.rename(from, to, done)),
  remove: (path: string) => outcome(path, (done) => fs.unlink(path, done)),
  async syncDirectory(path: string) {
    const directory = await systemDisk.open(path, 'read')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
  lock: lockFile,
  watch: watchPath,
})

/** A file that is open. */
export class SystemFile implements DiskFile {
  readonly #path: string
  readonly #fd: number

  constructor(path: string, fd: number) {
    this.#path = path
    this.#fd = fd
  }

  writeNow(parts: readonly Uint8Array[], position: number): void {
    let rest = parts
    let at = position
    while (rest.length > 0) {
      const written = attempt(this.#path, () => fs.writevSync(this.#fd, rest, at))
      rest = unwritten(this.#path, rest, written)
      at += written
    }
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let rest = parts
    let at = position
    while (rest.length > 0) {
      const written = await result<number>(this.#path, (done) =>
        fs.writev(this.#fd, rest, at, done),
      )
      rest = unwritten(this.#path, rest, written)
      at += written
    }
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const count = await result<number>(this.#path, (done) =>
        fs.read(this.#fd, bytes, filled, length - filled, position + filled, done),
      )
      if (count === 0) break
      filled += count
    }
    return bytes.subarray(0, filled)
  }

  readNow(position: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const count = attempt(this.#path, () =>
        fs.readSync(this.#fd, bytes, filled, length - filled, position + filled),
      )
      if (count === 0) break
      filled += count
    }
    return bytes.subarray(0, filled)
  }

  datasync(): Promise<void> {
    return outcome(this.#path, (done) => fs.fdatasync(this.#fd, done))
  }

  sync(): Promise<void> {
    return outcome(this.#path, (done) => fs.fsync(this.#fd, done))
  }

  truncate(sizeBytes: number): Promise<void> {
    return outcome(this.#path, (done) => fs.ftruncate(this.#fd, sizeBytes, done))
  }

  async stat(): Promise<FileStat> {
    return fileStat(await result<fs.Stats>(this.#path, (done) => fs.fstat(this.#fd, done)))
  }

  statNow(): FileStat {
    return fileStat(attempt(this.#path, () => fs.fstatSync(this.#fd)))
  }

  close(): Promise<void> {
    return outcome(this.#path, (done) => fs.close(this.#fd, done))
  }
}

/** What is left of the parts after a short write (POSIX write: a full disk or a signal may cut one). */
function unwritten(
  path: string,
  parts: readonly Uint8Array[],
  written: number,
): readonly Uint8Array[] {
  const first = parts.findIndex((part) => part.length > 0)
  if (first < 0) return []
  if (written === 0) throw new PosternError('DISK_FAILED', `${path}: nothing was written`)
  let skip = written
  for (let index = first; index < parts.length; index++) {
    const part = parts[index]
    if (part === undefined) break
    if (skip < part.length) return [part.subarray(skip), ...parts.slice(index + 1)]
    skip -= part.length
  }
  return []
}

function fileStat(stats: fs.Stats): FileStat {
  return {
    sizeBytes: stats.size,
    modifiedAt: stats.mtimeMs,
    inode: stats.ino,
    links: stats.nlink,
    uid: stats.uid,
    gid: stats.gid,
    mode: stats.mode & 0o7777,
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
  }
}

function assertSize(path: string, sizeBytes: number, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return
  throw new PosternError('DISK_FAILED', `${path}: has ${sizeBytes} bytes, ${maxBytes} are allowed`)
}

/** Of devices only the empty one: who reads `/dev/zero` never ends, and nobody knows when a FIFO is written. */
function assertEnds(path: string, stat: fs.Stats, fd: number): void {
  if (stat.isFile() || stat.isDirectory()) return
  if (stat.isCharacterDevice()) {
    const read = attempt(path, () => fs.readSync(fd, Buffer.alloc(1), 0, 1, null))
    if (read === 0) return
  }
  throw new PosternError('DISK_FAILED', `${path}: is no file but a FIFO, a socket or a device`)
}

function diskError(path: string, error: unknown): PosternError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const detail = `${path}: ${errorMessage(error)}`
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new PosternError('DISK_FULL', detail, { cause: error })
    case 'ENOENT':
      return new PosternError('NOT_FOUND', detail, { cause: error })
    default:
      return new PosternError('DISK_FAILED', detail, { cause: error })
  }
}

/** @throws PosternError as the door to the disk has them */
export function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw diskError(path, error)
  }
}

function outcome(path: string, start: (done: (error: Error | null) => void) => void) {
  return new Promise<void>((resolve, reject) => {
    start((error) => {
      if (error) reject(diskError(path, error))
      else resolve()
    })
  })
}

function result<T>(path: string, start: (done: (error: Error | null, value?: T) => void) => void) {
  return new Promise<T>((resolve, reject) => {
    start((error, value) => {
      if (error || value === undefined) reject(diskError(path, error))
      else resolve(value)
    })
  })
}
