import type { Clock } from '../clock.ts'
import type { Counters, Spending } from '../counters.ts'
import { systemClock } from './clock.ts'
import { Rates } from './rates.ts'

/** Whoever counts alone answers at once. */
export interface ProcessCounters extends Counters {
  take(key: string, limit: number): boolean
  count(key: string): number
  spend(rates: readonly Spending[]): number | undefined
}

/** Counters of one process: a Map whose keys vanish with their last count. */
export function processCounters(clock: Pick<Clock, 'monotonicMs'> = systemClock): ProcessCounters {
  const counts = new Map<string, number>()
  const rates = new Rates(() => clock.monotonicMs())
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
    spend: (spendings) => rates.spend(spendings),
  }
}
