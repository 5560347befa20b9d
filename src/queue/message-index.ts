/** All queued messages, and in what order they fall due. */
import type { Instant } from '../mail/instant.ts'
import { DueHeap } from './due-heap.ts'
import { queueNumber } from './queue-id.ts'
import type { QueuedEntry } from './queued-entry.ts'
import type { QueueId } from './queue.ts'

export class MessageIndex {
  readonly #entries: Map<number, QueuedEntry>
  readonly #heap = new DueHeap<QueuedEntry>()

  constructor(entries: Map<number, QueuedEntry>) {
    this.#entries = entries
    for (const entry of entries.values()) if (!entry.held) this.#heap.add(entry)
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: QueueId): QueuedEntry | undefined {
    const number = queueNumber(id)
    return number === undefined ? undefined : this.#entries.get(number)
  }

  values(): Iterable<QueuedEntry> {
    return this.#entries.values()
  }

  add(entry: QueuedEntry): void {
    this.#entries.set(entry.number, entry)
    this.update(entry)
  }

  /** @returns whether it was there */
  remove(entry: QueuedEntry): boolean {
    this.#heap.remove(entry)
    return this.#entries.delete(entry.number)
  }

  has(entry: QueuedEntry): boolean {
    return this.#entries.get(entry.number) === entry
  }

  /** Changes an entry that may be waiting for its time. */
  update(entry: QueuedEntry, change?: () => void): void {
    this.#heap.remove(entry)
    change?.()
    if (!entry.claimed && !entry.held && this.has(entry)) this.#heap.add(entry)
  }

  /** Neither claimed nor held, oldest due first. */
  due(now: Instant, limit: number): readonly QueuedEntry[] {
    return this.#heap.due(now, limit)
  }

  nextDueAt(): Instant | undefined {
    return this.#heap.first?.dueAt
  }
}
