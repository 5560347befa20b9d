import type { Clock } from '../runtime/clock.ts'
import type { QueueId } from './queue.ts'

/** 2,048 ids a millisecond; as integers they last until the year 2109. */
const idsPerMs = 2_048
/** Enough base 36 digits for every safe integer, so that ids sort as text. */
const digits = 11

/** Numbers that only grow, across restarts and whatever the wall clock does: a message's age is its order. */
export class QueueNumbers {
  readonly #clock: Clock
  #last: number

  constructor(clock: Clock, last: number) {
    this.#clock = clock
    this.#last = last
  }

  next(): number {
    this.#last = Math.max(this.#last + 1, this.#clock.now() * idsPerMs)
    return this.#last
  }
}

export function queueId(number: number): QueueId {
  return number.toString(36).padStart(digits, '0')
}

/** @returns undefined for what is no queue id */
export function queueNumber(id: QueueId): number | undefined {
  if (!/^[0-9a-z]{11}$/.test(id)) return undefined
  const number = parseInt(id, 36)
  return Number.isSafeInteger(number) ? number : undefined
}
