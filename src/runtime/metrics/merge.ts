/** The numbers of several workers as those of one gateway. */
import type { Merging, MetricFamily, MetricSeries, MetricsSnapshot } from './snapshot.ts'

/**
 * Counters and histograms are added up; of gauges each metric says what becomes of them. A metric that two workers
 * understand differently (two versions at work during an update) is that of the first.
 */
export function mergeSnapshots(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const families = new Map<string, MetricFamily>()
  for (const { metrics } of snapshots) {
    for (const family of metrics) {
      const before = families.get(family.name)
      families.set(family.name, before === undefined ? family : mergeFamilies(before, family))
    }
  }
  const metrics = [...families.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { version: 1, at: Math.max(0, ...snapshots.map(({ at }) => at)), metrics }
}

function mergeFamilies(a: MetricFamily, b: MetricFamily): MetricFamily {
  const same =
    a.kind === b.kind &&
    a.labels.join() === b.labels.join() &&
    a.buckets.join() === b.buckets.join()
  if (!same) return a
  const series = new Map(a.series.map((each) => [each.labels.join('\0'), each]))
  for (const each of b.series) {
    const key = each.labels.join('\0')
    const before = series.get(key)
    series.set(key, before === undefined ? each : mergeSeries(before, each, a.merging))
  }
  return { ...a, series: [...series.values()] }
}

function mergeSeries(a: MetricSeries, b: MetricSeries, merging: Merging): MetricSeries {
  if ('value' in a && 'value' in b) return { ...a, value: merged(a.value, b.value, merging) }
  if ('value' in a || 'value' in b) return a
  const counts = a.counts.map((count, index) => count + (b.counts[index] ?? 0))
  return { labels: a.labels, counts, sum: a.sum + b.sum }
}

function merged(a: number, b: number, merging: Merging): number {
  if (merging === 'sum') return a + b
  return merging === 'max' ? Math.max(a, b) : Math.min(a, b)
}
