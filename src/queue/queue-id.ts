import type { Clock } from '../runtime/clock.ts'
import type { QueueId } from './queue.ts'

/** 2,048 ids a millisecond; as integers they last until the year 2109. */
const idsPerMs = 2_048
/** Shards of one spool: each takes every 64th id, so that no two ever give the same. */
export const mostShards = 64
/** Enough base 36 digits for every safe integer, so that ids sort as text; both halves are small integers to V8. */
const highDigits = 6
const lowDigits = 5
const lowNumbers = 36 ** lowDigits

/** Numbers that only grow, across restarts and whatever the wall clock does: a message's age is its order. */
export class QueueNumbers {
  readonly #clock: Clock
  readonly #shard: number
  #last: number

  /** @param shard which of the ids are ours: those that leave it when divided by 64 */
  constructor(clock: Clock, last: number, shard = 0) {
    this.#clock = clock
    this.#shard = shard
    this.#last = last
  }

  next(): number {
    const least = Math.max(this.#last + 1, this.#clock.now() * idsPerMs)
    this.#last = Math.ceil((least - this.#shard) / mostShards) * mostShards + this.#shard
    return this.#last
  }
}

export function queueId(number: number): QueueId {
  const high = Math.floor(number / lowNumbers)
  const low = number - high * lowNumbers
  return high.toString(36).padStart(highDigits, '0') + low.toString(36).padStart(lowDigits, '0')
}

/** @returns undefined for what is no queue id */
export function queueNumber(id: QueueId): number | undefined {
  if (!/^[0-9a-z]{11}$/.test(id)) return undefined
  const number = parseInt(id, 36)
  return Number.isSafeInteger(number) ? number : undefined
}

/** The shard that a message lies in. */
export function shardOf(id: QueueId): number {
  return (queueNumber(id) ?? 0) % mostShards
}
