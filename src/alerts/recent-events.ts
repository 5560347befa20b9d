/** What has happened lately, by counters that grew: bad in itself, and over when it has not happened again for long enough. */
import type { Instant } from '../mail/instant.ts'
import { chainMetrics, spoolMetrics, worldMetrics } from '../runtime/metrics/inventory.ts'
import type { Facts } from './facts.ts'
import type { AlertReading } from './readings.ts'

/** Of each event, by its key: its counter, and when that grew last. JSON. */
export type Growth = { readonly [key: string]: { readonly value: number; readonly at: Instant } }

const minuteMs = 60_000

const events = [
  {
    key: 'messages/suspect',
    lastsMs: 60 * minuteMs,
    metric: worldMetrics.logEvents,
    labels: { level: 'error', event: 'message.ends-workers' },
    summary:
      'a message was not judged, since messages like it have ended workers; it was set aside',
  },
  {
    key: 'traces/dropped',
    lastsMs: 5 * minuteMs,
    metric: chainMetrics.tracesDropped,
    labels: {},
    summary: 'explanations of accepted mail are not kept, because the store is behind',
  },
  {
    key: 'store/dropped',
    lastsMs: 5 * minuteMs,
    metric: spoolMetrics.storeDropped,
    labels: {},
    summary: 'writes to the store are dropped: it is behind, or it fails',
  },
] as const

export function eventReadings(facts: Facts, growth: Growth): readonly AlertReading[] {
  return events.map(({ key, lastsMs, summary }) => {
    const at = growth[key]?.at ?? 0
    const health = at > 0 && facts.now - at < lastsMs ? 'bad' : 'good'
    return { key, health, forMs: 0, summary }
  })
}

/**
 * A counter that is lower than before belongs to a new process: nothing is known of it but that it counts. While a worker does
 * not answer the sum is lower as well, and is not remembered: with its answer it would seem to have grown.
 * @param before as remembered from the last look
 */
export function grown(facts: Facts, before: Growth): Growth {
  return Object.fromEntries(
    events.map(({ key, metric, labels }) => {
      const value = facts.one(metric, labels) ?? 0
      const known = before[key] ?? { value: 0, at: 0 }
      if (value > known.value) return [key, { value, at: facts.now }]
      return [key, { value: facts.areWhole ? value : known.value, at: known.at }]
    }),
  )
}
