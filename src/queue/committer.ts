/**
 * Group commit, and the commit instant: a promise is made when the fdatasync of its record has returned, here and
 * nowhere else. Whatever waits while one sync is in flight goes out with the next one.
 *
 * A write or sync that fails is never tried again on the same file: the segment is abandoned where it was last synced,
 * a new one must prove the disk with a record of its own, and only then do those who waited hear the refusal, so that
 * what was refused does not come back. Records that are no promises wait for a disk that works.
 */
import { errorMessage, isPosternError, PosternError } from '../mail/errors.ts'
import { nextTurn } from '../mail/next-turn.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { BatchWriter } from './batch.ts'
import { Company } from './company.ts'
import { Receipt } from './receipt.ts'
import { headerBytes, recordBytes, unplacedRecord, type UnplacedRecord } from './record.ts'
import type { SegmentLog } from './segment-log.ts'
import type { Place, Segment } from './segment.ts'
import { noSpoolMeter, type SpoolMeter } from './spool-meter.ts'

/** A record that nobody waits for rides with the next batch, or goes out alone after this long. */
const lingerMs = 100
/** How long after a failure commits are refused without asking the disk again. */
const stallMs = 1_000
const maxBatchBytes = 8 << 20
/** How long after the last batch the log says of itself that it was synced. */
const sealAfterMs = 1_000

export interface CommitterOptions {
  readonly segments: SegmentLog
  readonly clock: Clock
  readonly log: Log
  /** How many messages are being received. */
  readonly underway: () => number
  readonly meter?: SpoolMeter
}

export interface Promised {
  /** One for each placement. */
  readonly ids: readonly [string, ...string[]]
  /** Called just before the promise resolves, once for each record, in their order. */
  readonly placed: (place: Place, index: number) => void
  /** Called just before it rejects. */
  readonly refused: () => void
}

interface Waiting {
  /** More than one where they are promised together: they go out in one batch. */
  readonly records: readonly UnplacedRecord[]
  readonly bytes: number
  /** No promise: it waits where a promise is refused. */
  readonly patient: boolean
  /** Called once for each record. */
  readonly written: (place: Place, index: number) => void
  readonly refused: (error: PosternError) => void
}

/** While it lasts, commits are refused without asking the disk. */
interface Stall {
  readonly refusal: PosternError
  /** By the monotonic clock. */
  readonly until: number
}

export class Committer {
  readonly #segments: SegmentLog
  readonly #clock: Clock
  readonly #log: Log
  readonly #company: Company
  readonly #meter: SpoolMeter
  readonly #batch = new BatchWriter()
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #due = false
  #timer: Timer | undefined
  #sealTimer: Timer | undefined
  #closed = false
  #mustProve = false
  #stall: Stall | undefined
  /** Of the last batch, in its segment. */
  #lastStart = 0

  constructor(options: CommitterOptions) {
    const { segments, clock, log, underway, meter = noSpoolMeter } = options
    this.#segments = segments
    this.#clock = clock
    this.#log = log
    this.#company = new Company(clock, underway)
    this.#meter = meter
  }

  /**
   * Promises all records by one sync, or none.
   * @throws PosternError DISK_FULL, DISK_FAILED, SPOOL_CLOSED: nothing was promised
   */
  commit(records: readonly UnplacedRecord[], { ids, placed, refused }: Promised): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      const refuse = (error: PosternError): void => {
        refused()
        reject(error)
      }
      const refusal = this.#refusal()
      if (refusal !== undefined) return refuse(refusal)
      this.#add(records, {
        patient: false,
        refused: refuse,
        written: (place, index) => {
          placed(place, index)
          if (index === records.length - 1) resolve(new Receipt(ids, this.#clock.now()))
        },
      })
      this.#wake()
    })
  }

  /**
   * Writes what is no promise; resolves when it is durable, however long the disk is ill.
   * @param when `soon`: with the next batch, or a moment later alone
   * @throws PosternError SPOOL_CLOSED
   */
  append(record: UnplacedRecord, when: 'now' | 'soon'): Promise<Place> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new PosternError('SPOOL_CLOSED'))
      this.#add([record], { patient: true, written: resolve, refused: reject })
      if (when === 'now') this.#wake()
      else this.#wakeAfter(lingerMs)
    })
  }

  /** Writes what still waits, as far as the disk takes it. */
  async close(): Promise<void> {
    this.#closed = true
    this.#company.go()
    if (this.#waiting.length > 0) this.#wake()
    await this.#running
    this.#timer?.cancel()
    this.#sealTimer?.cancel()
    this.#seal()
    const closed = new PosternError('SPOOL_CLOSED')
    for (const item of this.#waiting.splice(0)) item.refused(closed)
  }

  #add(records: readonly UnplacedRecord[], item: Omit<Waiting, 'records' | 'bytes'>): void {
    let bytes = 0
    for (const record of records) bytes += recordBytes(record)
    this.#waiting.push({ records, bytes, ...item })
    this.#company.joined(this.#waiting.length)
  }

  #refusal(): PosternError | undefined {
    if (this.#closed) return new PosternError('SPOOL_CLOSED')
    const stall = this.#stall
    if (stall === undefined || this.#segments.ready) return undefined
    return this.#clock.monotonicMs() < stall.until ? stall.refusal : undefined
  }

  #wake(): void {
    this.#due = true
    this.#running ??= this.#run()
  }

  #wakeAfter(delayMs: number): void {
    this.#timer ??= this.#clock.after(delayMs, () => {
      this.#timer = undefined
      this.#wake()
    })
  }

  /** Each round begins in a turn of its own, so that it takes along what this turn still brings. */
  async #run(): Promise<void> {
    for (await nextTurn(); this.#due && this.#waiting.length > 0; await nextTurn()) {
      const gathered = this.#closed ? undefined : this.#company.gather(this.#waiting.length)
      if (gathered !== undefined) await gathered
      this.#due = false
      const segment = this.#segments.current
      const items = segment === undefined ? [] : this.#take(segment)
      if (segment === undefined || items.length === 0) await this.#advance()
      else await this.#commitBatch(segment, items)
    }
    this.#running = undefined
  }

  /** What goes out with the next sync: in order, as much as fits. */
  #take(segment: Segment): readonly Waiting[] {
    if (segment.growing && this.#segments.ready) return []
    const reserve = this.#segments.ready ? 0 : segment.reserveBytes
    const room = segment.limitBytes - segment.end
    let bytes = 0
    let count = 0
    for (const item of this.#waiting) {
      const fits =
        bytes + item.bytes <= Math.min(room - (item.patient ? 0 : reserve), maxBatchBytes)
      if (!fits && (count > 0 || segment.end > 0)) break
      bytes += item.bytes
      count += 1
    }
    const taken = this.#waiting.splice(0, count)
    if (count > 0 && this.#waiting.length > 0) this.#due = true
    return taken
  }

  async #commitBatch(segment: Segment, items: readonly Waiting[]): Promise<void> {
    let position = segment.end
    try {
      await this.#write(
        segment,
        items.flatMap(({ records }) => records),
      )
    } catch (error) {
      return this.#fail(segment, items, error)
    }
    for (const { records, written } of items) {
      for (const [index, record] of records.entries()) {
        const bytes = recordBytes(record)
        written({ segment, position, bytes }, index)
        position += bytes
      }
    }
  }

  async #write(segment: Segment, records: readonly UnplacedRecord[]): Promise<void> {
    const start = segment.end
    this.#lastStart = start
    const links = this.#segments.linksOf(segment)
    const room = segment.limitBytes - start
    const { parts, bytes } = this.#batch.layOut(records, { start, room, links })
    const startedMs = this.#clock.monotonicMs()
    this.#company.gone(records.length, startedMs)
    segment.slot.file.writeNow(parts, start)
    await segment.slot.file.datasync()
    this.#assertInPlace(segment)
    const durationMs = this.#clock.monotonicMs() - startedMs
    this.#meter.synced({ records: records.length, bytes, durationMs })
    segment.end = start + bytes
    this.#segments.proved(links.oldest)
    this.#sealTimer ??= this.#clock.after(sealAfterMs, () => this.#sealIfQuiet(segment, start))
  }

  /**
   * What was synced into a file that somebody has removed, or moved with its folder, the next start does not find: it is no
   * promise.
   * @throws PosternError DISK_FAILED
   */
  #assertInPlace(segment: Segment): void {
    if (this.#segments.isInPlace(segment)) return
    const text = `the file ${segment.slot.name} of the log was removed or moved`
    throw new PosternError('DISK_FAILED', text)
  }

  /** @param start of the last batch when this was asked for */
  #sealIfQuiet(segment: Segment, start: number): void {
    this.#sealTimer = undefined
    const { current } = this.#segments
    if (current === undefined || this.#running !== undefined) return
    if (current === segment && this.#lastStart === start) return this.#seal()
    const again = this.#lastStart
    this.#sealTimer = this.#clock.after(sealAfterMs, () => this.#sealIfQuiet(current, again))
  }

  /**
   * A record without meaning where the next batch will begin, so that a start knows the last one was synced, and takes
   * nothing of it for the remains of a batch that was being written. Not synced: what it says is true without it.
   */
  #seal(): void {
    const segment = this.#segments.current
    if (segment === undefined || segment.end === 0) return
    const start = segment.end
    const room = segment.limitBytes - start
    if (room < headerBytes) return
    const links = this.#segments.linksOf(segment)
    const { parts } = this.#batch.layOut([unplacedRecord('opening', '')], { start, room, links })
    try {
      segment.slot.file.writeNow(parts, start)
    } catch (error) {
      this.#log.warn('spool.log-not-sealed', { error: String(error) })
    }
  }

  async #advance(): Promise<void> {
    this.#due = true
    try {
      if (this.#stall !== undefined) await this.#segments.reclaim()
      await this.#segments.advance()
      if (this.#mustProve) await this.#prove()
      if (this.#stall !== undefined) this.#log.info('spool.disk-recovered')
      this.#stall = undefined
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** A record without meaning: what counts is that it can be written and synced. */
  async #prove(): Promise<void> {
    const segment = this.#segments.current
    if (segment === undefined) return
    try {
      await this.#write(segment, [unplacedRecord('opening', '[]')])
      this.#mustProve = false
    } catch (error) {
      this.#segments.abandon()
      throw error
    }
  }

  async #fail(segment: Segment, items: readonly Waiting[], error: unknown): Promise<void> {
    const refusal = refusalFor(error)
    this.#log.error('spool.write-failed', { error: String(error), records: items.length })
    if (refusal.code === 'DISK_FULL') await cutOff(segment)
    this.#waiting.unshift(...items.filter(({ patient }) => patient))
    this.#mustProve = true
    this.#segments.abandon()
    await this.#advance()
    if (refusal.code === 'DISK_FULL') this.#stall ??= this.#stallBy(refusal)
    for (const { patient, refused } of items) if (!patient) refused(refusal)
  }

  #stallBy(refusal: PosternError): Stall {
    return { refusal, until: this.#clock.monotonicMs() + stallMs }
  }

  /** Promises are refused; the rest is written if there is room left, and otherwise waits. */
  #refuse(error: unknown): void {
    const refusal = refusalFor(error)
    if (this.#stall === undefined) this.#log.error('spool.stalled', { error: String(error) })
    this.#stall = this.#stallBy(refusal)
    const refused = this.#waiting.filter(({ patient }) => !patient)
    this.#waiting = this.#waiting.filter(({ patient }) => patient)
    for (const item of refused) item.refused(refusal)
    const [first] = this.#waiting
    const segment = this.#segments.current
    this.#due =
      first !== undefined &&
      segment !== undefined &&
      segment.end + first.bytes <= segment.limitBytes
    if (first !== undefined && !this.#due) this.#wakeAfter(stallMs)
  }
}

function refusalFor(error: unknown): PosternError {
  const code = isPosternError(error, 'DISK_FULL') ? 'DISK_FULL' : 'DISK_FAILED'
  return new PosternError(code, errorMessage(error), {
    cause: error,
  })
}

/**
 * What a full disk has taken of a batch would look like what a crash leaves, if we stopped before another segment says where
 * this one ended; and its room is wanted.
 */
async function cutOff({ slot, end }: Segment): Promise<void> {
  try {
    await slot.file.truncate(end)
  } catch {
    // Then a start finds it, and keeps it as a tail.
  }
}
