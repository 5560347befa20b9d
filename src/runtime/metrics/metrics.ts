/**
 * The door to numbers that an operator looks at. Whoever counts asks once for a handle, with its labels, and then adds
 * to it: that costs an addition and nothing else. What is a state and not an event is asked for when somebody looks.
 * The number of series of one metric is bounded; what comes beyond it is counted as `other`.
 */
import type { MaybePromise } from '../../mail/maybe-promise.ts'
import type { Merging, MetricKind, MetricsSnapshot } from './snapshot.ts'

export interface MetricDefinition {
  /** As Prometheus writes names: `postern_replies_total`, `postern_spool_sync_seconds`. */
  readonly name: string
  readonly kind: MetricKind
  /** One sentence. */
  readonly help: string
  readonly labels: readonly string[]
  readonly merging: Merging
  /** Of a histogram: upper bounds, ascending, without +Inf. */
  readonly buckets: readonly number[]
  /** Beyond so many different labels everything is `other`. */
  readonly maxSeries: number
}

export type CounterDefinition = MetricDefinition & { readonly kind: 'counter' }
export type GaugeDefinition = MetricDefinition & { readonly kind: 'gauge' }
export type HistogramDefinition = MetricDefinition & { readonly kind: 'histogram' }

/** One value for each label of the definition. Never an address or a domain that a stranger chose. */
export type MetricLabels = { readonly [label: string]: string }

export interface Counter {
  add(count?: number): void
}

export interface Gauge {
  set(value: number): void
}

export interface Histogram {
  observe(value: number): void
}

/** Gives one value of a snapshot. */
export type MetricReport = (
  definition: CounterDefinition | GaugeDefinition,
  value: number,
  labels?: MetricLabels,
) => void

/** Asked at each snapshot. What it throws is its loss: the other values are shown all the same. */
export type MetricSource = (report: MetricReport) => MaybePromise<void>

export interface Metrics {
  counter(definition: CounterDefinition, labels?: MetricLabels): Counter
  gauge(definition: GaugeDefinition, labels?: MetricLabels): Gauge
  histogram(definition: HistogramDefinition, labels?: MetricLabels): Histogram
  /** @returns what ends the asking */
  watch(source: MetricSource): () => void
  snapshot(): Promise<MetricsSnapshot>
}
