/**
 * What one of several workers may keep of limits that are for all of them: what lies in the shards of others leaves so much,
 * and its even part at least. Each writes down what its shards hold after going through them; of a shard that changed hands the
 * later word counts, and never that of others on what is ours now. Of what nobody has said anything lately is taken to be
 * nothing: for an hour too much is kept rather than something let go too early.
 */
import type { JsonValue } from '../mail/json.ts'
import type { Instant } from '../mail/instant.ts'
import type { QueueId } from '../queue/queue.ts'
import type { StoreTable } from '../runtime/store.ts'
import type { RetentionLimits } from './retention.ts'

/** Which of how many workers, and the shards that it began with. */
export interface KeepingSeat {
  readonly number: number
  readonly workers: number
  readonly shards: readonly number[]
}

export interface AllowanceParts {
  /** What all workers have written down. */
  readonly memory: Pick<StoreTable, 'get' | 'put'>
  readonly seat: KeepingSeat
  /** The shard that a message lies in. */
  readonly shardOf: (id: QueueId) => number
}

interface Held {
  readonly id: QueueId
  readonly sizeBytes: number
}

/** What a shard holds. */
interface Keeping {
  readonly shard: number
  readonly bytes: number
  readonly messages: number
}

interface Told {
  readonly at: Instant
  readonly kept: readonly Keeping[]
}

/** Longer than two rounds through the spool. */
const believedMs = 3 * 3_600_000

export class Allowance {
  readonly #parts: AllowanceParts

  constructor(parts: AllowanceParts) {
    this.#parts = parts
  }

  /**
   * @param limits of all workers together
   * @param held all that this worker holds
   */
  async of(limits: RetentionLimits, held: readonly Held[], now: Instant): Promise<RetentionLimits> {
    const { workers } = this.#parts.seat
    const { maxBytes, maxMessages } = limits
    if (workers === 1 || (maxBytes === undefined && maxMessages === undefined)) return limits
    const others = await this.#others(held, now)
    const left = (limit: number, kept: number): number => Math.max(limit / workers, limit - kept)
    return {
      ...limits,
      ...(maxBytes === undefined
        ? {}
        : { maxBytes: left(maxBytes, others.bytes), largestBytes: maxBytes }),
      ...(maxMessages === undefined
        ? {}
        : { maxMessages: Math.ceil(left(maxMessages, others.messages)) }),
    }
  }

  /** Tells the others; where that fails they hear it the next time. @param held all that this worker keeps */
  async keeps(held: readonly Held[], now: Instant): Promise<void> {
    const { memory, seat } = this.#parts
    const { number, workers } = seat
    if (workers === 1) return
    const kept = this.#byShard(held).map(({ shard, bytes, messages }) => [shard, bytes, messages])
    await memory.put(keyOf(number), [now, kept]).catch(() => undefined)
  }

  #byShard(held: readonly Held[]): readonly Keeping[] {
    const { seat, shardOf } = this.#parts
    const none = { bytes: 0, messages: 0 }
    const kept = new Map(seat.shards.map((shard) => [shard, none]))
    for (const { id, sizeBytes } of held) {
      const { bytes, messages } = kept.get(shardOf(id)) ?? none
      kept.set(shardOf(id), { bytes: bytes + sizeBytes, messages: messages + 1 })
    }
    return [...kept].map(([shard, keeping]) => ({ shard, ...keeping }))
  }

  async #others(held: readonly Held[], now: Instant): Promise<Omit<Keeping, 'shard'>> {
    const known = new Set(this.#byShard(held).map(({ shard }) => shard))
    const sum = { bytes: 0, messages: 0 }
    const told = await this.#told(now)
    for (const { kept } of told.toSorted((a, b) => b.at - a.at)) {
      for (const { shard, bytes, messages } of kept) {
        if (known.has(shard)) continue
        known.add(shard)
        sum.bytes += bytes
        sum.messages += messages
      }
    }
    return sum
  }

  /** What the others have said lately. */
  async #told(now: Instant): Promise<readonly Told[]> {
    const { memory, seat } = this.#parts
    const { number: own, workers } = seat
    const told: Told[] = []
    for (let number = 1; number <= workers; number++) {
      if (number === own) continue
      const value = await memory.get(keyOf(number)).catch(() => undefined)
      const word = toldIn(value)
      if (word !== undefined && now - word.at <= believedMs) told.push(word)
    }
    return told
  }
}

function toldIn(value: JsonValue | undefined): Told | undefined {
  const [at, kept] = Array.isArray(value) ? value : []
  if (typeof at !== 'number' || !Array.isArray(kept)) return undefined
  return { at, kept: kept.flatMap(keepingIn) }
}

function keepingIn(value: JsonValue): readonly Keeping[] {
  const [shard, bytes, messages] = Array.isArray(value) ? value : []
  return typeof shard === 'number' && typeof bytes === 'number' && typeof messages === 'number'
    ? [{ shard, bytes, messages }]
    : []
}

function keyOf(number: number): string {
  return `kept-by-${number}`
}
