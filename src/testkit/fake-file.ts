/** An open file of the fake disk: what it writes is there at once, and safe only when it was synced. */
import { PosternError } from '../mail/errors.ts'
import type { DiskFile, FileStat } from '../runtime/disk.ts'
import type { FakeInode } from './fake-inode.ts'

export type OperationKind =
  | 'create'
  | 'write'
  | 'datasync'
  | 'sync'
  | 'truncate'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory'

/** The disk that it lies on. */
export interface FileDisk {
  /** The power is gone: nothing returns any more. */
  readonly isCut: boolean
  /** Counts an operation. @returns the error it shall fail with */
  begin(kind: OperationKind, path: string): PosternError | undefined
  /** Counts an operation that takes its time, and does its effect, unless it fails. */
  step(kind: OperationKind, path: string, effect: () => void): Promise<void>
  /** How many of `bytes` more still fit. */
  room(bytes: number): number
  /** Names that it has. */
  links(inode: FakeInode): number
  /** Tells those who watch it. */
  touched(path: string): void
}

class PowerCut extends Error {
  override readonly name = 'PowerCut'
}

export class FakeFile implements DiskFile {
  readonly #disk: FileDisk
  readonly #inode: FakeInode
  readonly #path: string
  readonly #appends: boolean

  constructor(disk: FileDisk, inode: FakeInode, path: string, appends = false) {
    this.#disk = disk
    this.#inode = inode
    this.#path = path
    this.#appends = appends
  }

  writeNow(parts: readonly Uint8Array[], position: number): void {
    const fault = this.#disk.begin('write', this.#path)
    if (this.#disk.isCut) throw new PowerCut()
    this.#write(Buffer.concat(parts), position, fault)
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    const bytes = Buffer.concat(parts)
    const fault = this.#disk.begin('write', this.#path)
    if (this.#disk.isCut) await new Promise(() => undefined)
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (this.#disk.isCut) await new Promise(() => undefined)
    this.#write(bytes, position, fault)
  }

  #write(bytes: Buffer, named: number, fault: PosternError | undefined): void {
    const position = this.#appends ? this.#inode.sizeBytes : named
    const growth = Math.max(0, position + bytes.length - this.#inode.sizeBytes)
    const missing = growth - this.#disk.room(growth)
    const kept = fault === undefined ? bytes.length - missing : bytes.length >> 1
    if (kept > 0) this.#inode.change({ position, bytes: bytes.subarray(0, kept) })
    this.#disk.touched(this.#path)
    if (fault !== undefined) throw fault
    if (missing > 0) throw new PosternError('DISK_FULL', this.#path)
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    return this.readNow(position, length)
  }

  readNow(position: number, length: number): Uint8Array {
    return this.#inode.read(position, length)
  }

  datasync(): Promise<void> {
    return this.#sync('datasync')
  }

  sync(): Promise<void> {
    return this.#sync('sync')
  }

  async #sync(kind: 'datasync' | 'sync'): Promise<void> {
    try {
      await this.#disk.step(kind, this.#path, () => this.#inode.sync())
    } catch (error) {
      this.#inode.failSync()
      throw error
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#disk.step('truncate', this.#path, () => this.#inode.change({ sizeBytes }))
  }

  async stat(): Promise<FileStat> {
    return this.statNow()
  }

  statNow(): FileStat {
    return { ...statOf(this.#inode), links: this.#disk.links(this.#inode) }
  }

  async close(): Promise<void> {
    await Promise.resolve()
  }
}

export function statOf({ sizeBytes, modifiedAt, number, kind }: FakeInode): FileStat {
  return {
    sizeBytes,
    modifiedAt,
    inode: number,
    links: 1,
    kind,
    uid: 0,
    gid: 0,
    mode: kind === 'file' ? 0o600 : 0o700,
  }
}
