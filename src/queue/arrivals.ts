/**
 * How messages come into the queue: promised by the committer, and in the index from the moment on that they are durable.
 * What was handed over in a file keeps its record until that file is gone: a start that found both takes it in once.
 */
import type { Log } from '../runtime/log.ts'
import type { Announcer } from './announcer.ts'
import type { Committer } from './committer.ts'
import type { Departures } from './departures.ts'
import { logPlacements } from './log-placements.ts'
import type { MessageIndex } from './message-index.ts'
import { idsOf, type MessageRecord, type MessageRecords } from './message-record.ts'
import { QueuedEntry, StoredRecord } from './queued-entry.ts'
import type { Receipt } from './receipt.ts'
import type { Place } from './segment.ts'

export interface ArrivalsOptions {
  readonly log: Log
  readonly index: MessageIndex
  readonly committer: Committer
  readonly announcer: Announcer
  readonly departures: Departures
  /** Records of messages whose file is still in `incoming/`. */
  readonly takenIn: ReadonlyMap<string, StoredRecord>
}

export class Arrivals {
  readonly #options: ArrivalsOptions
  /** By the name of the file in `incoming/` that it came from, until that is gone. */
  readonly #handedOver: Map<string, StoredRecord>

  constructor(options: ArrivalsOptions) {
    this.#options = options
    this.#handedOver = new Map(options.takenIn)
  }

  /** @param over called once the draft is needed no more, whatever came of it */
  promise(messages: MessageRecords, over: () => void): Promise<Receipt> {
    return this.#options.committer.commit(
      messages.map(({ record }) => record),
      {
        ids: idsOf(messages),
        placed: (place, index) => {
          if (index === 0) over()
          const message = messages[index]
          if (message !== undefined) this.#placed(message, place)
        },
        refused: over,
      },
    )
  }

  /** Files in `incoming/` are gone: only their messages keep their records now. */
  letGo(names: readonly string[]): void {
    for (const name of names) {
      const record = this.#handedOver.get(name)
      if (record === undefined) continue
      this.#handedOver.delete(name)
      // Should the spool close first, the next start finds a large file without a message, and removes it.
      void this.#options.departures.letGo(record).catch(() => undefined)
    }
  }

  #placed({ meta }: MessageRecord, place: Place): void {
    const { log, index, announcer } = this.#options
    logPlacements(meta, log)
    const kept = meta.placements.filter(({ disposition }) => disposition !== 'discard')
    if (kept.length === 0) return
    const record = new StoredRecord(place, kept.length, meta.large?.name)
    if (meta.handedOver !== undefined) {
      record.live += 1
      this.#handedOver.set(meta.handedOver, record)
    }
    place.segment.keep(place.bytes)
    for (const placement of kept) index.add(new QueuedEntry(meta, placement, record))
    announcer.due()
    announcer.placed(kept)
  }
}
