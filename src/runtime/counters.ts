/**
 * The door to numbers that must be exact across workers: connections per client, rates, delivery slots.
 * With one worker it is a Map. A key exists only while its count is above zero.
 */
export interface Counters {
  /** Adds one unless the count has reached `limit`. @returns whether it was added. */
  take(key: string, limit: number): boolean
  give(key: string): void
  count(key: string): number
}
