/** Builds the index from records in the order of the log. The last record about a message wins. */
import { decodeOutcome, decodeStateChange } from './change-meta.ts'
import { decodeMessageMeta } from './message-meta.ts'
import { QueuedEntry, StoredRecord } from './queued-entry.ts'
import type { FoundRecord } from './segment-scan.ts'
import type { Place, Segment } from './segment.ts'

export class Replay {
  readonly entries = new Map<number, QueuedEntry>()
  /** The highest number that any record mentions. */
  lastNumber = 0
  /** The highest that any record has said of the generations that count. */
  oldest = 0
  /** Records by the name of the file they came from, while that file is still there; it keeps them. */
  readonly takenIn = new Map<string, StoredRecord>()
  readonly #incoming: ReadonlySet<string>

  /** @param incoming the names in `incoming/` */
  constructor(incoming: ReadonlySet<string>) {
    this.#incoming = incoming
  }

  /** @returns false for a record that makes no sense though its checksum holds */
  apply(segment: Segment, { header, meta, position, bytes }: FoundRecord): boolean {
    this.oldest = Math.max(this.oldest, header.oldest)
    switch (header.type) {
      case 'opening':
        return true
      case 'message':
        return this.#message({ segment, position, bytes }, meta)
      case 'outcome':
        return this.#outcome(meta)
      case 'state':
        return this.#state(meta)
    }
  }

  forget(entry: QueuedEntry): void {
    this.entries.delete(entry.number)
    const { record } = entry
    record.live -= 1
    if (record.live === 0) record.segment.drop(record.bytes)
  }

  #message(place: Place, text: string): boolean {
    const meta = decodeMessageMeta(text)
    if (meta === undefined) return false
    const record = new StoredRecord(place, 0, meta.large?.name)
    for (const placement of meta.placements) {
      const { number, disposition } = placement
      // Numbers grow: one that is higher than all before has not been seen.
      const isNew = number > this.lastNumber
      if (isNew) this.lastNumber = number
      if (disposition === 'discard') continue
      const copied = isNew ? undefined : this.entries.get(number)
      if (copied !== undefined) this.forget(copied)
      this.entries.set(number, new QueuedEntry(meta, placement, record))
      record.live += 1
    }
    if (meta.handedOver !== undefined && this.#incoming.has(meta.handedOver)) {
      this.takenIn.set(meta.handedOver, record)
      record.live += 1
    }
    if (record.live > 0) record.segment.keep(record.bytes)
    return true
  }

  #outcome(text: string): boolean {
    const outcome = decodeOutcome(text)
    if (outcome === undefined) return false
    this.entries.get(outcome.number)?.applyOutcome(outcome)
    return true
  }

  #state(text: string): boolean {
    const change = decodeStateChange(text)
    if (change === undefined) return false
    for (const number of change.numbers) {
      this.lastNumber = Math.max(this.lastNumber, number)
      const entry = this.entries.get(number)
      if (entry === undefined) continue
      if (change.verb === 'done') this.forget(entry)
      else entry.applyState(change)
    }
    return true
  }
}
