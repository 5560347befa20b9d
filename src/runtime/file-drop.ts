/**
 * New files put into folders, as a Maildir takes them: written under a name that nobody looks at, synced, given their
 * own name, and the folder synced. Promises: what `put` resolves for is on stable storage, its name included; a reader
 * sees a whole file or none; what a failed try wrote is removed.
 */
import { dirname } from 'node:path'
import type { Disk, DiskFile } from './disk.ts'
import { FolderSyncs, type FoldersDisk } from './folder-syncs.ts'

export interface NewFile {
  /** Where it is written first: in another folder of the same file system. */
  readonly draft: string
  /** Where it is once it is whole. Nothing is there. */
  readonly path: string
  /** What stands in it: this, and then that. */
  readonly head: Uint8Array
  readonly body: Uint8Array
}

export interface FileDrop {
  /**
   * @param taken called at most once, before this resolves, when the file waits for nothing but the disk: whoever puts
   * files one after the other may put the next
   * @throws PosternError NOT_FOUND where a folder is missing, DISK_FULL, DISK_FAILED
   */
  put(file: NewFile, taken?: () => void): Promise<void>
  /** What was put before is finished first. */
  close(): Promise<void>
}

/** So much of the door to the disk as a drop needs. */
export interface DropDisk extends Pick<Disk, 'rename' | 'remove'>, FoldersDisk {
  open(path: string, mode: 'create'): Promise<Pick<DiskFile, 'write' | 'sync' | 'close'>>
}

/** A drop that works where it is called; whoever puts a file waits for the disk. */
export class DiskDrop implements FileDrop {
  readonly #disk: DropDisk
  readonly #syncs: FolderSyncs

  constructor(disk: DropDisk) {
    this.#disk = disk
    this.#syncs = new FolderSyncs(disk)
  }

  async put({ draft, path, head, body }: NewFile): Promise<void> {
    const file = await this.#disk.open(draft, 'create')
    try {
      try {
        await file.write([head, body], 0)
        await file.sync()
      } finally {
        await file.close()
      }
      await this.#disk.rename(draft, path)
    } catch (error) {
      // Whatever this meets, the first error is the one that tells what happened.
      await this.#disk.remove(draft).catch(() => undefined)
      throw error
    }
    await this.#syncs.sync(dirname(path))
  }

  async close(): Promise<void> {}
}
