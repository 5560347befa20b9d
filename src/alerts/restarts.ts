/** Workers that die again and again: each start of one counts, as long as nobody has restarted the whole gateway. */
import { processMetrics } from '../runtime/metrics/inventory.ts'
import type { Facts } from './facts.ts'
import type { AlertReading } from './readings.ts'

/** Of each worker, when those that bore its number in the last hour began; seconds. JSON. */
export type Starts = { readonly [worker: string]: readonly number[] }

/** A worker that began so often within an hour dies again and again. */
const mostStarts = 4
const hourMs = 3_600_000

/** @param before as remembered from the last look */
export function startsNow(facts: Facts, before: Starts): Starts {
  const since = (facts.now - hourMs) / 1000
  return Object.fromEntries(
    facts.all(processMetrics.started).map(({ labels: { worker = '' }, value }) => {
      const times = new Set([...(before[worker] ?? []), value])
      return [worker, [...times].filter((time) => time > since).slice(-mostStarts)]
    }),
  )
}

export function restartReadings(starts: Starts): readonly AlertReading[] {
  return Object.entries(starts).map(([worker, times]) => {
    const health = times.length >= mostStarts ? 'bad' : times.length > 1 ? 'between' : 'good'
    const summary = `worker ${worker} was started ${times.length} times within an hour`
    return { key: `workers/restarts/${worker}`, health, forMs: 0, summary }
  })
}
