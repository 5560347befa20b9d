/** Makers of definitions: what is usual need not be said. */
import type {
  CounterDefinition,
  GaugeDefinition,
  HistogramDefinition,
  MetricDefinition,
} from './metrics.ts'
import type { Merging } from './snapshot.ts'

/** Seconds: of a hook, a sync, a question. */
const latencyBuckets: readonly number[] = [
  0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]
/** Seconds: of a delivery. */
export const patientBuckets: readonly number[] = [
  0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
]
/** How many. */
export const sizeBuckets: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

const usualSeries = 1_000

export interface DefinitionDetails {
  readonly merging?: Merging
  readonly buckets?: readonly number[]
  readonly maxSeries?: number
}

export function counterMetric(
  name: string,
  help: string,
  labels: readonly string[] = [],
  { maxSeries = usualSeries }: Pick<DefinitionDetails, 'maxSeries'> = {},
): CounterDefinition {
  return { name, kind: 'counter', help, labels, merging: 'sum', buckets: [], maxSeries }
}

export function gaugeMetric(
  name: string,
  help: string,
  labels: readonly string[] = [],
  { merging = 'sum', maxSeries = usualSeries }: Omit<DefinitionDetails, 'buckets'> = {},
): GaugeDefinition {
  return { name, kind: 'gauge', help, labels, merging, buckets: [], maxSeries }
}

export function histogramMetric(
  name: string,
  help: string,
  labels: readonly string[] = [],
  { buckets = latencyBuckets, maxSeries = usualSeries }: Omit<DefinitionDetails, 'merging'> = {},
): HistogramDefinition {
  return { name, kind: 'histogram', help, labels, merging: 'sum', buckets, maxSeries }
}

/** @throws TypeError */
export function assertNames({ name, labels }: Pick<MetricDefinition, 'name' | 'labels'>): void {
  if (!isMetricName(name) || !labels.every(isLabelName)) {
    throw new TypeError(`${name} is no name of a metric, or a label of it is none`)
  }
}

function isMetricName(name: string): boolean {
  return /^[a-z][a-z0-9_]{0,199}$/.test(name)
}

function isLabelName(name: string): boolean {
  return /^[a-z][a-z0-9_]{0,63}$/.test(name) && name !== 'le' && name !== 'quantile'
}
