import type { Counters } from '../counters.ts'

/** Counters of one process: a Map whose keys vanish with their last count. */
export function processCounters(): Counters {
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
