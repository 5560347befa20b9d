import type { MaybePromise } from '../mail/maybe-promise.ts'

/**
 * The door to numbers that must be exact across workers: connections per client, rates, delivery slots.
 * With one worker it is a Map and answers at once; with several the supervisor keeps the counts and is asked by message.
 * A key exists only while its count is above zero; what a worker that died had taken is given back.
 */
export interface Counters {
  /** Adds one unless the count has reached `limit`. @returns whether it was added. */
  take(key: string, limit: number): MaybePromise<boolean>
  give(key: string): void
  count(key: string): MaybePromise<number>
}
