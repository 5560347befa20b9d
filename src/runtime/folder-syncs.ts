/**
 * Several deliveries into one folder share its syncs: whoever comes before one has begun waits for that, whoever comes
 * while it is in flight for the next, which is one for all of them. Promises: what is asked for resolves only when a
 * sync that began after the asking has returned.
 */
import type { Disk } from './disk.ts'

/** So much of the door to the disk as folders need. */
export interface FoldersDisk extends Pick<Disk, 'syncDirectory'> {
  /** Where only so many syncs go at a time: does the work when its turn has come. */
  inTurn?(work: () => Promise<void>): Promise<void>
}

interface Syncing {
  hasBegun: boolean
  readonly running: Promise<void>
  /** Of those who came since it began. */
  next?: Promise<void>
}

export class FolderSyncs {
  readonly #disk: FoldersDisk
  readonly #syncing = new Map<string, Syncing>()

  constructor(disk: FoldersDisk) {
    this.#disk = disk
  }

  /** @throws PosternError DISK_FULL, DISK_FAILED, NOT_FOUND: each who waited for that sync hears of it */
  sync(path: string): Promise<void> {
    const syncing = this.#syncing.get(path)
    if (syncing === undefined) return this.#begin(path)
    if (!syncing.hasBegun) return syncing.running
    // What happened to the one before is for those who waited for that.
    syncing.next ??= syncing.running.catch(() => undefined).then(() => this.#begin(path))
    return syncing.next
  }

  #begin(path: string): Promise<void> {
    const begin = (): Promise<void> => {
      syncing.hasBegun = true
      return this.#disk.syncDirectory(path)
    }
    // Not before whoever asks in the same breath has asked.
    const running = Promise.resolve().then(() => this.#disk.inTurn?.(begin) ?? begin())
    const over = running.finally(() => {
      if (syncing.next === undefined) this.#syncing.delete(path)
    })
    const syncing: Syncing = { hasBegun: false, running: over }
    this.#syncing.set(path, syncing)
    return over
  }
}
