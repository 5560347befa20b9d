/** The series of one metric in a snapshot, by the names of their labels. */
import type { MetricLabels } from '../../runtime/metrics/metrics.ts'
import type { MetricFamily, MetricsSnapshot } from '../../runtime/metrics/snapshot.ts'

export interface MetricValue {
  readonly labels: MetricLabels
  readonly value: number
}

export interface MetricCounts {
  readonly labels: MetricLabels
  /** One for each bucket, and one for what is above them. */
  readonly counts: readonly number[]
}

/** Of a counter or a gauge; none where nobody reported it. */
export function valuesOf(
  snapshot: MetricsSnapshot,
  { name }: Pick<MetricFamily, 'name'>,
): readonly MetricValue[] {
  const family = familyOf(snapshot, name)
  return (family?.series ?? []).flatMap((series) =>
    'value' in series ? [{ labels: labelsOf(family, series.labels), value: series.value }] : [],
  )
}

/** Of a histogram, with the upper bounds of its buckets. */
export function countsOf(
  snapshot: MetricsSnapshot,
  { name }: Pick<MetricFamily, 'name'>,
): { readonly bounds: readonly number[]; readonly series: readonly MetricCounts[] } {
  const family = familyOf(snapshot, name)
  const series = (family?.series ?? []).flatMap((each) =>
    'value' in each ? [] : [{ labels: labelsOf(family, each.labels), counts: each.counts }],
  )
  return { bounds: family?.buckets ?? [], series }
}

/**
 * The value below which a share of the observations lies, by interpolation within its bucket as Prometheus'
 * histogram_quantile does it; what lies above all bounds is the highest bound.
 * @param share 0 to 1
 * @returns undefined where nothing was observed
 */
export function quantile(
  bounds: readonly number[],
  counts: readonly number[],
  share: number,
): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  const rank = share * total
  let below = 0
  for (const [at, bound] of bounds.entries()) {
    const count = counts[at] ?? 0
    if (count > 0 && below + count >= rank) {
      const from = bounds[at - 1] ?? 0
      return from + (bound - from) * ((rank - below) / count)
    }
    below += count
  }
  return bounds.at(-1)
}

function familyOf({ metrics }: MetricsSnapshot, name: string): MetricFamily | undefined {
  return metrics.find((each) => each.name === name)
}

function labelsOf(family: MetricFamily | undefined, values: readonly string[]): MetricLabels {
  return Object.fromEntries((family?.labels ?? []).map((label, at) => [label, values[at] ?? '']))
}
