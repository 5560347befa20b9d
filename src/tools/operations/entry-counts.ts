/** What each entry of the chain was asked, answered and failed to answer, from the metrics of all workers. */
import type { EntryNumbers } from '../../admin/schemas/chain.ts'
import { chainMetrics } from '../../runtime/metrics/inventory.ts'
import type { MetricsSnapshot } from '../../runtime/metrics/snapshot.ts'
import { countsOf, quantile, valuesOf } from './metric-values.ts'

type Tally = { -readonly [K in 'asked' | 'objected' | 'would' | 'faults']: number }

/** By name; an entry that nobody has asked yet is missing. */
export function entryCounts(snapshot: MetricsSnapshot): ReadonlyMap<string, EntryNumbers> {
  const tallies = new Map<string, Tally>()
  const tallyOf = (entry = ''): Tally => {
    const tally = tallies.get(entry) ?? { asked: 0, objected: 0, would: 0, faults: 0 }
    tallies.set(entry, tally)
    return tally
  }
  for (const { labels, value } of valuesOf(snapshot, chainMetrics.verdicts)) {
    const { entry, mode, verdict } = labels
    const tally = tallyOf(entry)
    tally.asked += value
    if (verdict === 'pass' || verdict === 'accept') continue
    if (mode === 'shadow') tally.would += value
    else tally.objected += value
  }
  for (const { labels, value } of valuesOf(snapshot, chainMetrics.faults)) {
    tallyOf(labels['entry']).faults += value
  }
  const times = latencies(snapshot)
  const asked = [...tallies].filter(([, tally]) => tally.asked > 0)
  return new Map(asked.map(([entry, tally]) => [entry, { ...tally, ...times.get(entry) }]))
}

type Percentiles = Pick<EntryNumbers, 'p50Ms' | 'p99Ms'>

/** Of all stages of an entry together. */
function latencies(snapshot: MetricsSnapshot): ReadonlyMap<string, Percentiles> {
  const { bounds, series } = countsOf(snapshot, chainMetrics.latency)
  const sums = new Map<string, readonly number[]>()
  for (const { labels, counts } of series) {
    const { entry = '' } = labels
    const before = sums.get(entry)
    sums.set(
      entry,
      before === undefined ? counts : before.map((one, at) => one + (counts[at] ?? 0)),
    )
  }
  return new Map([...sums].map(([entry, counts]) => [entry, percentiles(bounds, counts)]))
}

function percentiles(bounds: readonly number[], counts: readonly number[]): Percentiles {
  const p50 = quantile(bounds, counts, 0.5)
  const p99 = quantile(bounds, counts, 0.99)
  if (p50 === undefined || p99 === undefined) return {}
  return { p50Ms: p50 * 1000, p99Ms: p99 * 1000 }
}
