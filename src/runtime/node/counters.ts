import type { Counters } from '../counters.ts'

/** Whoever counts alone answers at once. */
export interface ProcessCounters extends Counters {
  take(key: string, limit: number): boolean
  count(key: string): number
}

/** Counters of one process: a Map whose keys vanish with their last count. */
export function processCounters(): ProcessCounters {
  const counts = new Map<string, number>()
  return {
    take(key, limit) {
      const count = counts.get(key) ?? 0
      if (count >= limit) return false
      counts.set(key, count + 1)
      return true
    },
    give(key) {
      const count = counts.get(key) ?? 0
      if (count <= 1) counts.delete(key)
      else counts.set(key, count - 1)
    },
    count: (key) => counts.get(key) ?? 0,
  }
}
