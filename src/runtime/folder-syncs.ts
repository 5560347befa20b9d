/**
 * Several deliveries into one folder share its syncs: whoever comes while one is in flight waits for the next, which
 * is one for all of them. Promises: what is asked for resolves only when a sync that began after the asking has
 * returned.
 */
import type { Disk } from './disk.ts'

interface Syncing {
  readonly running: Promise<void>
  /** Of those who came since it began. */
  next?: Promise<void>
}

export class FolderSyncs {
  readonly #disk: Pick<Disk, 'syncDirectory'>
  readonly #syncing = new Map<string, Syncing>()

  constructor(disk: Pick<Disk, 'syncDirectory'>) {
    this.#disk = disk
  }

  /** @throws PosternError DISK_FULL, DISK_FAILED, NOT_FOUND: each who waited for that sync hears of it */
  sync(path: string): Promise<void> {
    const syncing = this.#syncing.get(path)
    if (syncing === undefined) return this.#begin(path)
    // What happened to the one before is for those who waited for that.
    syncing.next ??= syncing.running.catch(() => undefined).then(() => this.#begin(path))
    return syncing.next
  }

  async #begin(path: string): Promise<void> {
    const syncing: Syncing = { running: this.#disk.syncDirectory(path) }
    this.#syncing.set(path, syncing)
    try {
      await syncing.running
    } finally {
      if (syncing.next === undefined) this.#syncing.delete(path)
    }
  }
}
