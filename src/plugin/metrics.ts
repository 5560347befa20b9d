/**
 * Numbers of one entry. The names of two plugins never meet: each is written `postern_plugin_<plugin>_<name>`, and the
 * label `entry` says whose it is. Labels are for what a plugin knows beforehand, such as its outcomes; never for an
 * address or a domain of a message.
 */
import {
  assertNames,
  counterMetric,
  gaugeMetric,
  histogramMetric,
} from '../runtime/metrics/define.ts'
import type {
  Counter,
  Gauge,
  GaugeDefinition,
  Histogram,
  MetricLabels,
  MetricReport,
  Metrics,
} from '../runtime/metrics/metrics.ts'

/** Ask once and keep what is given: then counting costs an addition. */
export interface PluginMetrics {
  /** @param name ends in `_total` */
  counter(name: string, help: string, labels?: MetricLabels): Counter
  /**
   * A state, shown once it is set, for as long as the entry's configuration is in force.
   * @param name ends in its unit, if it has one: `_seconds`, `_bytes`. One that ends in `_resting` and is 1 while the entry does
   *   without what the label names (a list, one server of several) is told to operators as an alert.
   */
  gauge(name: string, help: string, labels?: MetricLabels): Gauge
  /** Of seconds. */
  histogram(name: string, help: string, labels?: MetricLabels): Histogram
}

/** An outcome that a plugin makes of data must not cost memory without end. */
const maxSeries = 200

/** The numbers of one entry, and how long its gauges are true. */
export interface EntryNumbers {
  readonly metrics: PluginMetrics
  /** Its gauges are shown from now on: its configuration is in force. */
  show(): void
  /** No more: what a gauge says of a server that nobody asks any more is true of nothing. Counters stay. */
  hide(): void
}

export function entryNumbers(
  metrics: Metrics,
  { name: entry, plugin }: { readonly name: string; readonly plugin: string },
): EntryNumbers {
  const prefix = `postern_plugin_${plugin.toLowerCase().replace(/[^a-z0-9]/g, '_')}_`
  const keys = (labels: MetricLabels): readonly string[] => [
    'entry',
    ...Object.keys(labels).toSorted(),
  ]
  const gauges = new EntryGauges()
  let hide: (() => void) | undefined
  return {
    metrics: {
      counter: (name, help, labels = {}) =>
        metrics.counter(counterMetric(prefix + name, help, keys(labels), { maxSeries }), {
          ...labels,
          entry,
        }),
      gauge: (name, help, labels = {}) =>
        gauges.gauge(
          gaugeMetric(prefix + name, help, keys(labels), { maxSeries, merging: 'max' }),
          { ...labels, entry },
        ),
      histogram: (name, help, labels = {}) =>
        metrics.histogram(histogramMetric(prefix + name, help, keys(labels), { maxSeries }), {
          ...labels,
          entry,
        }),
    },
    show: () => void (hide ??= metrics.watch((report) => gauges.report(report))),
    hide() {
      hide?.()
      hide = undefined
    },
  }
}

class EntryGauges {
  readonly #cells = new Map<string, GaugeCell>()

  /** @throws TypeError where the name of the metric or of a label is none */
  gauge(definition: GaugeDefinition, labels: MetricLabels): Gauge {
    assertNames(definition)
    const key = [definition.name, ...definition.labels.map((label) => labels[label])].join('\0')
    const cell = this.#cells.get(key) ?? new GaugeCell(definition, labels)
    // One too many is set and never shown.
    if (this.#cells.size < maxSeries) this.#cells.set(key, cell)
    return cell
  }

  report(report: MetricReport): void {
    for (const { definition, labels, value } of this.#cells.values()) {
      if (value !== undefined) report(definition, value, labels)
    }
  }
}

class GaugeCell implements Gauge {
  readonly definition: GaugeDefinition
  readonly labels: MetricLabels
  value: number | undefined

  constructor(definition: GaugeDefinition, labels: MetricLabels) {
    this.definition = definition
    this.labels = labels
  }

  set(value: number): void {
    this.value = value
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
