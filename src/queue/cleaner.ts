/**
 * Keeps the log short: when more of it is dead than alive, what is still alive in the oldest segment is written once
 * more at the end, as far as it has come, until the segment can be retired. So one long-deferred message pins nothing,
 * and a message is copied once for each time the log has turned over.
 */
import type { Committer } from './committer.ts'
import { BrokenRecord, type EntryLoader } from './entry-loader.ts'
import { copiedRecord } from './message-record.ts'
import type { MessageIndex } from './message-index.ts'
import { StoredRecord, type QueuedEntry } from './queued-entry.ts'
import type { SegmentLog } from './segment-log.ts'
import type { Segment } from './segment.ts'

/** Dead segments that are not worth the work. */
const toleratedSegments = 4
/** Records that are copied with one sync. */
const atOnce = 32

export interface CleanerOptions {
  readonly segments: SegmentLog
  readonly committer: Committer
  readonly index: MessageIndex
  readonly loader: EntryLoader
  readonly segmentBytes: number
  /** The record of this entry is not whole. */
  readonly broken: (entry: QueuedEntry, record: BrokenRecord) => Promise<void>
  readonly failed: (error: unknown) => void
}

export class Cleaner {
  readonly #options: CleanerOptions
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: CleanerOptions) {
    this.#options = options
  }

  /** To be called when something died. Works in the background, a few records at a time. */
  consider(): void {
    if (this.#closed || this.#running !== undefined || !this.#isWorthIt()) return
    this.#running = this.#clean().finally(() => {
      this.#running = undefined
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  #isWorthIt(): boolean {
    const { segments, segmentBytes } = this.#options
    const { liveBytes } = segments
    const dead = segments.sizeBytes - liveBytes
    return (
      segments.oldest !== undefined && dead > Math.max(liveBytes, toleratedSegments * segmentBytes)
    )
  }

  async #clean(): Promise<void> {
    const { segments, failed } = this.#options
    try {
      while (!this.#closed && this.#isWorthIt()) {
        const { oldest } = segments
        if (oldest === undefined) return
        await this.#empty(oldest)
        // Something in it cannot be moved now: another death will bring us back.
        if (segments.oldest === oldest) return
      }
    } catch (error) {
      failed(error)
    }
  }

  async #empty(segment: Segment): Promise<void> {
    const here = [...this.#options.index.values()].filter(
      ({ record }) => record.segment === segment,
    )
    const records = [...Map.groupBy(here, ({ record }) => record)]
    for (let at = 0; at < records.length && !this.#closed; at += atOnce) {
      const some = records.slice(at, at + atOnce)
      await Promise.all(some.map(([record, entries]) => this.#copy(record, entries)))
    }
  }

  async #copy(from: StoredRecord, entries: readonly QueuedEntry[]): Promise<void> {
    const { loader, committer, broken, index, segments } = this.#options
    const [first] = entries
    if (first === undefined) return
    const loaded = await loader.record(first)
    if (loaded instanceof BrokenRecord) {
      for (const entry of entries) await broken(entry, loaded)
      return
    }
    const stays = (entry: QueuedEntry): boolean => index.has(entry) && entry.record === from
    const placements = entries.filter(stays).flatMap(({ number, progress }) => {
      const placement = loaded.meta.placements.find((known) => known.number === number)
      return placement === undefined ? [] : { ...placement, progress }
    })
    if (placements.length === 0) return
    const { record, meta } = copiedRecord(loaded.meta, loaded.payload, placements)
    const place = await committer.append(record, 'soon')
    const moved = entries.filter(stays)
    if (moved.length === 0) return
    const to = new StoredRecord(place, moved.length, meta.large?.name)
    place.segment.keep(place.bytes)
    for (const entry of moved) entry.record = to
    from.live -= moved.length
    if (from.live === 0) segments.drop(from)
  }
}
