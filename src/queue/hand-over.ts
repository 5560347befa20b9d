/**
 * How another program hands a message to the queue, whether the gateway runs or not: a file in `incoming/`, synced before
 * it gets its name, its name synced before the caller hears that all is well. The gateway takes it in when it sees it.
 * Until `commit` resolves nothing was handed over; a file that was left unfinished never counts.
 */
import { isAscii } from 'node:buffer'
import { crc32 } from 'node:zlib'
import type { Envelope } from '../mail/envelope.ts'
import { PosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk, DiskFile } from '../runtime/disk.ts'
import type { Random } from '../runtime/random.ts'
import { exists } from '../runtime/missing.ts'
import { encodeHandoverEnd } from './handover-file.ts'
import { checkFormat } from './spool-format.ts'
import { spoolLayout, unfinished, type SpoolLayout } from './spool-layout.ts'

const setGroupId = 0o2000

export interface HandOverOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  /** The spool's folder; a gateway has made it once. */
  readonly path: string
}

/** Sorts by time. */
export function handoverName(now: Instant, random: Random): string {
  const time = Math.floor(now).toString(36).padStart(9, '0')
  return `${time}-${Buffer.from(random.bytes(8)).toString('hex')}`
}

/** When the hand-over of this name began; undefined for a name that is none of ours. */
export function handoverTime(name: string): Instant | undefined {
  const time = /^([0-9a-z]{9})-[0-9a-f]{16}/.exec(name)?.[1]
  return time === undefined ? undefined : parseInt(time, 36)
}

export class HandOver {
  readonly #disk: Disk
  readonly #layout: SpoolLayout
  readonly #name: string
  readonly #file: DiskFile
  #messageBytes = 0
  #messageCrc = 0
  #eightBit = false

  private constructor(
    disk: Disk,
    layout: SpoolLayout,
    { name, file }: { name: string; file: DiskFile },
  ) {
    this.#disk = disk
    this.#layout = layout
    this.#name = name
    this.#file = file
  }

  /** @throws PosternError NOT_FOUND (no spool is there), SPOOL_NEWER, DISK_FULL, DISK_FAILED */
  static async begin({ disk, clock, random, path }: HandOverOptions): Promise<HandOver> {
    const layout = spoolLayout(path)
    if ((await checkFormat(disk, layout)) === undefined)
      throw new PosternError('NOT_FOUND', `a spool at ${path}`)
    if (!(await exists(disk, layout.incoming))) {
      await disk.makeDirectory(layout.incoming)
      await disk.syncDirectory(layout.root)
    }
    const name = handoverName(clock.now(), random)
    const begun = `${layout.incoming}/${name}${unfinished}`
    const file = await disk.open(begun, 'create')
    // Where everybody may hand over, the gateway is of the group that a file there has.
    const { mode } = await disk.stat(layout.incoming)
    if ((mode & setGroupId) !== 0) await disk.setMode(begun, 0o640)
    return new HandOver(disk, layout, { name, file })
  }

  /** Whether any byte so far is outside ASCII. */
  get eightBit(): boolean {
    return this.#eightBit
  }

  get sizeBytes(): number {
    return this.#messageBytes
  }

  /** @param chunk of the message, with CRLF line ends. @throws PosternError DISK_FULL, DISK_FAILED */
  async write(chunk: Uint8Array): Promise<void> {
    const at = this.#messageBytes
    this.#messageBytes += chunk.length
    this.#messageCrc = crc32(chunk, this.#messageCrc)
    this.#eightBit ||= !isAscii(chunk)
    await this.#file.write([chunk], at)
  }

  /** On stable storage, under its name, when this resolves. @throws PosternError DISK_FULL, DISK_FAILED */
  async commit(envelope: Envelope): Promise<void> {
    const path = `${this.#layout.incoming}/${this.#name}`
    await this.#writeEnd(envelope)
    await this.#file.sync()
    await this.#file.close()
    await this.#disk.rename(path + unfinished, path)
    await this.#disk.syncDirectory(this.#layout.incoming)
  }

  /**
   * Instead of `commit`: to whom a program has it from, who waits for it. Nothing is synced, for nothing is promised yet.
   * @param to in the same spool. @throws PosternError DISK_FULL, DISK_FAILED
   */
  async handBack(envelope: Envelope, to: string): Promise<void> {
    await this.#writeEnd(envelope)
    await this.#file.close()
    await this.#disk.rename(`${this.#layout.incoming}/${this.#name}${unfinished}`, to)
  }

  /** Instead of `commit`, or after it failed before its end. */
  async abort(): Promise<void> {
    try {
      await this.#file.close()
      await this.#disk.remove(`${this.#layout.incoming}/${this.#name}${unfinished}`)
    } catch {
      // It never counts, and the gateway removes it when it is old.
    }
  }

  async #writeEnd(envelope: Envelope): Promise<void> {
    const message = { messageBytes: this.#messageBytes, messageCrc: this.#messageCrc }
    await this.#file.write([encodeHandoverEnd(envelope, message)], this.#messageBytes)
  }
}
