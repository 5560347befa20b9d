/**
 * Files for segments: one is kept ready, preallocated or left over from segments without live mail, so that a sync
 * writes data only. Preparing happens off the main thread, in pieces. Where none is ready, a file that grows does;
 * where the disk is full, nothing does, and the caller hears DISK_FULL.
 */
import { dirname } from 'node:path'
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { headerBytes } from './record.ts'
import type { SegmentFile } from './segment.ts'

/** Small pieces, each synced: a commit's own sync waits behind one of them at most. */
const pieceBytes = 1 << 18
/** Left-over files beyond these are removed. */
const maxSpare = 2

export interface SegmentPoolOptions {
  readonly disk: Disk
  readonly log: Log
  readonly folder: string
  readonly segmentBytes: number
  /** The highest number among the names in the folder. */
  readonly lastName: number
}

export class SegmentPool {
  readonly #options: SegmentPoolOptions
  readonly #spare: SegmentFile[] = []
  #lastName: number
  #preparing: Promise<void> | undefined
  #closed = false

  constructor(options: SegmentPoolOptions) {
    this.#options = options
    this.#lastName = options.lastName
  }

  /** Whether `take` has a file with all its space at hand. */
  get ready(): boolean {
    return this.#spare.length > 0
  }

  /**
   * @param even `full`: a file that grows is better than none. Otherwise it is made only where it can grow, since what is left
   * for it may have room that is kept
   * @throws PosternError DISK_FULL, DISK_FAILED
   */
  async take(even?: 'full'): Promise<SegmentFile> {
    const slot = this.#spare.shift() ?? (await this.#growing(even))
    this.#prepare()
    return slot
  }

  async #growing(even: 'full' | undefined): Promise<SegmentFile> {
    if (even !== 'full') await this.#affordable()
    return this.#create()
  }

  /** Whether a start would find the file: nobody has removed it, nor moved it or the folders that it lies in. */
  isInPlace({ name, inode }: SegmentFile): boolean {
    const { disk, folder } = this.#options
    try {
      return disk.statNow(`${folder}/${name}`).inode === inode
    } catch (error) {
      if (isPosternError(error, 'NOT_FOUND')) return false
      throw error
    }
  }

  /** Takes back a file whose records are all dead, and durably said to be. */
  give(slot: SegmentFile): void {
    const whole = slot.sizeBytes >= this.#options.segmentBytes
    if (whole && this.#spare.length < maxSpare) this.#spare.push(slot)
    else void this.discard(slot)
  }

  /** Removes the file. Should a crash bring it back, its generation is too old to count. */
  async discard(slot: SegmentFile): Promise<void> {
    const { disk, folder, log } = this.#options
    try {
      await slot.file.close()
      await disk.remove(`${folder}/${slot.name}`)
      await disk.syncDirectory(folder)
    } catch (error) {
      log.warn('spool.segment-not-removed', { segment: slot.name, error: String(error) })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#preparing
    for (const slot of this.#spare.splice(0)) await slot.file.close()
  }

  #prepare(): void {
    if (this.ready || this.#closed) return
    this.#preparing ??= this.#allocate().finally(() => {
      this.#preparing = undefined
    })
  }

  async #allocate(): Promise<void> {
    const { log, disk, folder } = this.#options
    let slot: SegmentFile | undefined
    try {
      const sizeBytes = await this.#affordable()
      slot = await this.#create()
      const zeros = Buffer.alloc(Math.min(pieceBytes, sizeBytes))
      for (let at = 0; at < sizeBytes && !this.#closed; at += zeros.length) {
        await slot.file.write([zeros.subarray(0, sizeBytes - at)], at)
        await slot.file.datasync()
      }
      if (this.#closed) return await this.discard(slot)
      await slot.file.sync()
      await disk.syncDirectory(folder)
      this.#spare.push({ ...slot, sizeBytes })
    } catch (error) {
      log.warn('spool.segment-not-prepared', { error: String(error) })
      if (slot !== undefined) await this.discard(slot)
    }
  }

  /**
   * What a segment may have of the disk: never more than half of what is free, so that no mail is refused because of zeros.
   * @throws PosternError DISK_FULL where that is not worth a file
   */
  async #affordable(): Promise<number> {
    const { disk, folder, segmentBytes } = this.#options
    const { freeBytes } = await disk.space(folder)
    const sizeBytes = Math.min(segmentBytes, floored(freeBytes / 2))
    if (sizeBytes >= segmentBytes >> 3) return sizeBytes
    throw new PosternError('DISK_FULL', `${folder}: ${freeBytes} bytes are free`)
  }

  /** Somebody has removed or moved the folder of the log. Where the whole spool is gone, it is not for us to begin another. */
  async #makeAgain(): Promise<void> {
    const { disk, folder, log } = this.#options
    log.error('spool.log-removed', { alert: true, path: folder })
    const spool = dirname(folder)
    await disk.stat(spool)
    await disk.makeDirectory(folder)
    await disk.syncDirectory(spool)
  }

  async #create(): Promise<SegmentFile> {
    const { disk, folder } = this.#options
    const name = String(++this.#lastName).padStart(6, '0')
    const path = `${folder}/${name}`
    const file = await disk.open(path, 'create').catch(async (error: unknown) => {
      if (!isPosternError(error, 'NOT_FOUND')) throw error
      await this.#makeAgain()
      return disk.open(path, 'create')
    })
    await disk.syncDirectory(folder)
    return { name, file, inode: file.statNow().inode, sizeBytes: 0 }
  }
}

/** Records begin at multiples of their header's length. */
function floored(bytes: number): number {
  return Math.floor(bytes / headerBytes) * headerBytes
}
