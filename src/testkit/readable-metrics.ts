import type { Clock } from '../runtime/clock.ts'
import type { MetricLabels, Metrics } from '../runtime/metrics/metrics.ts'
import { metricRegistry } from '../runtime/metrics/registry.ts'
import type { MetricsSnapshot } from '../runtime/metrics/snapshot.ts'

export interface ReadableMetrics extends Metrics {
  /** What a metric shows now: its value, or how many values a histogram has; undefined where nobody counted. */
  value(name: string, labels?: MetricLabels): Promise<number | undefined>
}

/** Metrics as in a gateway, for tests to look at. */
export function readableMetrics(clock: Clock): ReadableMetrics {
  const metrics = metricRegistry(clock)
  return {
    ...metrics,
    value: async (name, labels) => valueIn(await metrics.snapshot(), name, labels),
  }
}

export function valueIn(
  { metrics }: MetricsSnapshot,
  name: string,
  labels: MetricLabels = {},
): number | undefined {
  const family = metrics.find((each) => each.name === name)
  const series = family?.series.find((each) =>
    family.labels.every((label, index) => each.labels[index] === (labels[label] ?? '')),
  )
  if (series === undefined || 'value' in series) return series?.value
  return series.counts.reduce((sum, count) => sum + count, 0)
}
