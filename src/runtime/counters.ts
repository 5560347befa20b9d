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
  /**
   * Counts one more for each of several rates, or for none of them where one has reached its limit: never more than
   * `limit` in any time of `periodMs`. What was spent comes back with the time alone. Where there are too many keys,
   * those that were idle longest are forgotten.
   * @returns the index of the first that is exhausted, or undefined
   * @throws PosternError TIMEOUT where whoever counts does not answer
   */
  spend(rates: readonly Spending[]): MaybePromise<number | undefined>
}

/** One rate that something is counted for. The limit and the period may differ from one call to the next. */
export interface Spending {
  readonly key: string
  readonly limit: number
  readonly periodMs: number
}
