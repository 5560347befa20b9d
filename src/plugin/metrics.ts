/**
 * Numbers of one entry. The names of two plugins never meet: each is written `postern_plugin_<plugin>_<name>`, and the
 * label `entry` says whose it is. Labels are for what a plugin knows beforehand, such as its outcomes; never for an
 * address or a domain of a message.
 */
import { counterMetric, gaugeMetric, histogramMetric } from '../runtime/metrics/define.ts'
import type {
  Counter,
  Gauge,
  Histogram,
  MetricLabels,
  Metrics,
} from '../runtime/metrics/metrics.ts'

/** Ask once and keep what is given: then counting costs an addition. */
export interface PluginMetrics {
  /** @param name ends in `_total` */
  counter(name: string, help: string, labels?: MetricLabels): Counter
  /** @param name ends in its unit: `_seconds`, `_bytes` */
  gauge(name: string, help: string, labels?: MetricLabels): Gauge
  /** Of seconds. */
  histogram(name: string, help: string, labels?: MetricLabels): Histogram
}

/** An outcome that a plugin makes of data must not cost memory without end. */
const maxSeries = 200

export function entryMetrics(
  metrics: Metrics,
  { name: entry, plugin }: { readonly name: string; readonly plugin: string },
): PluginMetrics {
  const prefix = `postern_plugin_${plugin.toLowerCase().replace(/[^a-z0-9]/g, '_')}_`
  const keys = (labels: MetricLabels): readonly string[] => [
    'entry',
    ...Object.keys(labels).toSorted(),
  ]
  return {
    counter: (name, help, labels = {}) =>
      metrics.counter(counterMetric(prefix + name, help, keys(labels), { maxSeries }), {
        ...labels,
        entry,
      }),
    gauge: (name, help, labels = {}) =>
      metrics.gauge(gaugeMetric(prefix + name, help, keys(labels), { maxSeries, merging: 'max' }), {
        ...labels,
        entry,
      }),
    histogram: (name, help, labels = {}) =>
      metrics.histogram(histogramMetric(prefix + name, help, keys(labels), { maxSeries }), {
        ...labels,
        entry,
      }),
  }
}

/**
 * One counter for each outcome that there may be, all of them there from the beginning.
 * @returns what counts one
 */
export function outcomeCounter<O extends string>(
  metrics: Pick<PluginMetrics, 'counter'>,
  { name, help, label }: { readonly name: string; readonly help: string; readonly label: string },
  outcomes: readonly O[],
): (outcome: O) => void {
  const counters = new Map(
    outcomes.map((outcome) => [outcome, metrics.counter(name, help, { [label]: outcome })]),
  )
  return (outcome) => counters.get(outcome)?.add()
}
