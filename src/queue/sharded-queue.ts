/**
 * Several spools as one queue: messages come into the first and leave from all. For a worker that also keeps the
 * promises of a shard that has no worker of its own any more.
 */
import type { Instant } from '../mail/instant.ts'
import { oldestFirst } from './oldest-first.ts'
import type { Claim, Damaged, Draft, Entry, EntryHead, Queue, Unsubscribe } from './queue.ts'

export class ShardedQueue implements Queue {
  readonly #own: Queue
  readonly #shards: Queue[]
  readonly #listeners = new Map<() => void, Unsubscribe[]>()
  /** Where each claimed message lies. */
  readonly #claimed = new WeakMap<Claim, Queue>()

  /** @param own takes what comes in */
  constructor(own: Queue, others: readonly Queue[] = []) {
    this.#own = own
    this.#shards = [own, ...others]
  }

  /** Takes over a shard that has lost its worker; whoever listens hears of what is due in it. */
  add(shard: Queue): void {
    this.#shards.push(shard)
    for (const [listener, subscriptions] of this.#listeners) {
      subscriptions.push(shard.onDue(listener))
      listener()
    }
  }

  get size(): number {
    return this.#shards.reduce((sum, { size }) => sum + size, 0)
  }

  begin(): Draft {
    return this.#own.begin()
  }

  due(now: Instant, limit: number): readonly EntryHead[] {
    // One shard is the usual case, and this is asked with every message.
    if (this.#shards.length === 1) return this.#own.due(now, limit)
    return this.#shards
      .flatMap((shard) => shard.due(now, limit))
      .toSorted((a, b) => a.dueAt - b.dueAt)
      .slice(0, limit)
  }

  nextDueAt(): Instant | undefined {
    const times = this.#shards.flatMap((shard) => shard.nextDueAt() ?? [])
    return times.length === 0 ? undefined : Math.min(...times)
  }

  onDue(listener: () => void): Unsubscribe {
    const subscriptions = this.#shards.map((shard) => shard.onDue(listener))
    this.#listeners.set(listener, subscriptions)
    return () => {
      this.#listeners.delete(listener)
      for (const unsubscribe of subscriptions) unsubscribe()
    }
  }

  /** Only our own shard takes what is new. */
  onQuarantined(...listener: Parameters<Queue['onQuarantined']>): Unsubscribe {
    return this.#own.onQuarantined(...listener)
  }

  async claim(...asked: Parameters<Queue['claim']>): Promise<Claim | undefined> {
    for (const shard of this.#shards) {
      const claim = await shard.claim(...asked)
      if (claim === undefined) continue
      this.#claimed.set(claim, shard)
      return claim
    }
    return undefined
  }

  settle(...outcome: Parameters<Queue['settle']>): Promise<void> {
    return this.#shardOf(outcome[0]).settle(...outcome)
  }

  release(...given: Parameters<Queue['release']>): Promise<void> {
    return this.#shardOf(given[0]).release(...given)
  }

  async change(...change: Parameters<Queue['change']>): Promise<number> {
    const changed = await Promise.all(this.#shards.map((shard) => shard.change(...change)))
    return changed.reduce((sum, count) => sum + count, 0)
  }

  entries(...which: Parameters<Queue['entries']>): AsyncIterable<Entry | Damaged> {
    return oldestFirst(this.#shards.map((shard) => shard.entries(...which)))
  }

  async close(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.close()))
  }

  #shardOf(claim: Claim): Queue {
    return this.#claimed.get(claim) ?? this.#own
  }
}
