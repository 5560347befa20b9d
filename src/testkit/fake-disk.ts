/**
 * A disk in memory that forgets what was not synced. It counts its operations, fails the ones it is told to, runs
 * full, loses power before any operation, and comes back as a real disk might: with any part of what was unsynced.
 */
import { posix } from 'node:path'
import { PosternError } from '../mail/errors.ts'
import type { Disk, DiskFile, DiskSpace, FileStat, OpenMode } from '../runtime/disk.ts'
import type { Random } from '../runtime/random.ts'
import { FakeFile, statOf, type FileDisk, type OperationKind } from './fake-file.ts'
import { FakeInode } from './fake-inode.ts'
import { FakeNames } from './fake-names.ts'
import { FakeWatches } from './fake-watches.ts'

/** An operation that changes or syncs something; `number` counts from 1. */
export interface Operation {
  readonly number: number
  readonly kind: OperationKind
  readonly path: string
}

type Fault = (operation: Operation) => 'DISK_FULL' | 'DISK_FAILED' | undefined

export interface FakeDisk extends Disk {
  /** All operations so far, in order. */
  readonly operations: readonly Operation[]
  /** Bytes that fit; a write beyond them is cut short with DISK_FULL. */
  capacityBytes: number
  /** Asked before each operation; what it names is thrown. A failed write leaves its first half, a failed sync saves nothing. */
  fault: Fault
  /** The power goes before the operation of this number: it and all later ones never return. */
  cutBefore: number
  readonly isCut: boolean
  /** A file that was there all along. */
  put(path: string, content: Uint8Array | string): void
  /** The file as programs see it. @throws PosternError NOT_FOUND */
  bytes(path: string): Buffer
  flip(path: string, position: number, bit?: number): void
  /** The disk at the next start; this one is dead from here. */
  afterPowerCut(random: Random): FakeDisk
  afterKill(): FakeDisk
}

/** @param files what lies on it from the beginning, by path */
export function fakeDisk(files: Readonly<Record<string, Uint8Array | string>> = {}): FakeDisk {
  const disk = new MemoryDisk(new FakeNames())
  for (const [path, content] of Object.entries(files)) disk.put(path, content)
  return disk
}

class MemoryDisk implements FakeDisk, FileDisk {
  readonly operations: Operation[] = []
  capacityBytes = Infinity
  fault: Fault = () => undefined
  cutBefore = Infinity
  isCut = false
  readonly #names: FakeNames
  readonly #root = new FakeInode(0, 'directory')
  readonly #locks = new Set<string>()
  readonly #watches = new FakeWatches()
  #inodes = 0

  constructor(names: FakeNames) {
    this.#names = names
    for (const { number } of names.inodes()) this.#inodes = Math.max(this.#inodes, number)
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const known = this.#names.get(clean(path))
    if (known !== undefined) {
      if (mode === 'create') throw new PosternError('DISK_FAILED', `${path}: exists`)
      return new FakeFile(this, known, path, mode === 'append')
    }
    if (mode !== 'create' && mode !== 'open') throw notFound(path)
    this.#folderOf(path)
    await this.step('create', path)
    const inode = this.#make('file')
    this.#names.change({ set: clean(path), inode })
    return new FakeFile(this, inode, path)
  }

  openNow(path: string): DiskFile {
    return new FakeFile(this, this.#inode(path), path)
  }

  async readFile(path: string, maxBytes?: number): Promise<Uint8Array> {
    return this.readFileNow(path, maxBytes)
  }

  readFileNow(path: string, maxBytes = Infinity): Uint8Array {
    const bytes = this.bytes(path)
    if (bytes.length > maxBytes) throw new PosternError('DISK_FAILED', `${path}: too large`)
    return bytes
  }

  async list(path: string): Promise<readonly string[]> {
    if (this.#inode(path).kind !== 'directory') throw new PosternError('DISK_FAILED', path)
    return this.#names.inside(clean(path))
  }

  async stat(path: string): Promise<FileStat> {
    return statOf(this.#inode(path))
  }

  statNow(path: string): FileStat {
    return statOf(this.#inode(path))
  }

  async statName(path: string): Promise<FileStat> {
    return statOf(this.#inode(path))
  }

  /** Of one that is not filled, as much as anybody could want. */
  async space(path: string): Promise<DiskSpace> {
    this.#inode(path)
    const sizeBytes = Math.min(this.capacityBytes, 2 ** 40)
    const used = [...this.#names.inodes()].reduce((sum, inode) => sum + inode.sizeBytes, 0)
    const freeBytes = Math.max(0, sizeBytes - used)
    return { sizeBytes, freeBytes, inodes: 1_000, freeInodes: 1_000 - this.#inodes }
  }

  async makeDirectory(path: string): Promise<void> {
    const folder = clean(path)
    if (folder === '/' || folder === '.' || this.#names.get(folder) !== undefined) return
    await this.makeDirectory(posix.dirname(folder))
    await this.step('makeDirectory', path)
    this.#names.change({ set: folder, inode: this.#make('directory') })
  }

  async setMode(path: string): Promise<void> {
    this.#inode(path)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#inode(from)
    this.#folderOf(to)
    await this.step('rename', from)
    this.#names.change({ from: clean(from), to: clean(to) })
    this.touched(to)
  }

  async remove(path: string): Promise<void> {
    this.#inode(path)
    await this.step('remove', path)
    this.#names.change({ unset: clean(path) })
  }

  async syncDirectory(path: string): Promise<void> {
    this.#inode(path)
    await this.step('syncDirectory', path, () => this.#names.sync(clean(path)))
  }

  async lock(path: string) {
    const name = clean(path)
    this.#folderOf(path)
    if (this.#locks.has(name)) throw new PosternError('SPOOL_LOCKED', path)
    this.#locks.add(name)
    return { release: async () => void this.#locks.delete(name) }
  }

  watch(path: string, changed: () => void, isOurs: (name: string) => boolean = () => false) {
    return this.#watches.add({ path: clean(path), changed, isOurs })
  }

  put(path: string, content: Uint8Array | string): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    const missing: string[] = []
    for (let at = posix.dirname(clean(path)); !isRoot(at); at = posix.dirname(at)) missing.push(at)
    for (const folder of missing.toReversed()) {
      if (this.#names.get(folder) !== undefined) continue
      this.#names.change({ set: folder, inode: this.#make('directory') })
      this.#names.sync(posix.dirname(folder))
    }
    this.#names.change({ set: clean(path), inode: this.#make('file', bytes) })
    this.#names.sync(posix.dirname(clean(path)))
    this.touched(path)
  }

  bytes(path: string): Buffer {
    const inode = this.#inode(path)
    return Buffer.from(inode.read(0, inode.sizeBytes))
  }

  flip(path: string, position: number, bit = 0): void {
    this.#inode(path).flip(position, bit)
  }

  afterPowerCut(random: Random): FakeDisk {
    this.cutBefore = 0
    this.isCut = true
    return new MemoryDisk(this.#names.afterPowerCut(random))
  }

  afterKill(): FakeDisk {
    this.cutBefore = 0
    this.isCut = true
    return new MemoryDisk(this.#names.afterKill())
  }

  /**
   * Counts the operation, does its `effect` at once as a disk may, and returns in a later turn of the event loop.
   * A name change has its effect only when it returns.
   */
  async step(kind: OperationKind, path: string, effect?: () => void): Promise<void> {
    const fault = this.begin(kind, path)
    if (this.isCut) await new Promise(() => undefined)
    if (fault === undefined) effect?.()
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (this.isCut) await new Promise(() => undefined)
    if (fault !== undefined) throw fault
    if (effect === undefined) this.touched(path)
  }

  /** @returns the error it shall fail with */
  begin(kind: OperationKind, path: string): PosternError | undefined {
    const number = this.operations.length + 1
    if (number >= this.cutBefore) this.isCut = true
    if (this.isCut) return undefined
    const operation = { number, kind, path }
    this.operations.push(operation)
    const code = this.fault(operation)
    return code === undefined ? undefined : new PosternError(code, `${kind} ${path}`)
  }

  links(inode: FakeInode): number {
    return this.#names.inodes().has(inode) ? 1 : 0
  }

  /** How many of `bytes` more still fit. */
  room(bytes: number): number {
    let used = 0
    for (const inode of this.#names.inodes()) used += inode.sizeBytes
    return Math.max(0, Math.min(bytes, this.capacityBytes - used))
  }

  touched(path: string): void {
    this.#watches.touched(clean(path))
  }

  #inode(path: string): FakeInode {
    if (isRoot(clean(path))) return this.#root
    const inode = this.#names.get(clean(path))
    if (inode === undefined) throw notFound(path)
    return inode
  }

  #folderOf(path: string): void {
    this.#inode(posix.dirname(clean(path)))
  }

  #make(kind: 'file' | 'directory', bytes?: Uint8Array): FakeInode {
    return new FakeInode(++this.#inodes, kind, bytes)
  }
}

function notFound(path: string): PosternError {
  return new PosternError('NOT_FOUND', path)
}

function clean(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}

function isRoot(folder: string): boolean {
  return folder === '/' || folder === '.'
}
