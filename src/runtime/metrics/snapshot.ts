/** All numbers at one moment, as JSON: what a worker answers when it is asked for them. */
import type { Instant } from '../../mail/instant.ts'
import type { JsonObject, JsonValue } from '../../mail/json.ts'

export type MetricKind = 'counter' | 'gauge' | 'histogram'

/** How the gauges of several workers become one. */
export type Merging = 'sum' | 'max' | 'min'

// Types, not interfaces: only they can be JSON values.
export type MetricsSnapshot = {
  readonly version: 1
  readonly at: Instant
  readonly metrics: readonly MetricFamily[]
}

export type MetricFamily = {
  readonly name: string
  readonly kind: MetricKind
  readonly help: string
  readonly labels: readonly string[]
  readonly merging: Merging
  /** Upper bounds, without +Inf; empty where it is no histogram. */
  readonly buckets: readonly number[]
  readonly series: readonly MetricSeries[]
}

/** `labels`: one value for each of the family's. */
export type MetricSeries =
  | { readonly labels: readonly string[]; readonly value: number }
  /** One count for each bucket and one for what is above them; none of them contains another. */
  | { readonly labels: readonly string[]; readonly counts: readonly number[]; readonly sum: number }

const kinds = ['counter', 'gauge', 'histogram'] as const
const mergings = ['sum', 'max', 'min'] as const

/** What another worker answered; undefined where it makes no sense. Never throws. */
export function readSnapshot(value: JsonValue): MetricsSnapshot | undefined {
  if (!isObject(value)) return undefined
  const { version, at, metrics } = value
  if (version !== 1 || typeof at !== 'number' || !Array.isArray(metrics)) return undefined
  const families = metrics.map(readFamily)
  const read = families.flatMap((family) => family ?? [])
  return read.length === families.length ? { version, at, metrics: read } : undefined
}

function readFamily(value: JsonValue): MetricFamily | undefined {
  if (!isObject(value)) return undefined
  const { name, help, series } = value
  const kind = kinds.find((each) => each === value['kind'])
  const merging = mergings.find((each) => each === value['merging'])
  const labels = textsIn(value['labels'])
  const buckets = numbersIn(value['buckets'])
  if (typeof name !== 'string' || typeof help !== 'string' || !Array.isArray(series))
    return undefined
  if (kind === undefined || merging === undefined) return undefined
  if (labels === undefined || buckets === undefined) return undefined
  const all = series.map((each) => readSeries(each, labels.length, buckets.length))
  const read = all.flatMap((each) => each ?? [])
  if (read.length < all.length) return undefined
  return { name, kind, help, labels, merging, buckets, series: read }
}

function readSeries(value: JsonValue, width: number, buckets: number): MetricSeries | undefined {
  if (!isObject(value)) return undefined
  const labels = textsIn(value['labels'])
  if (labels?.length !== width) return undefined
  const { value: single, sum } = value
  if (typeof single === 'number') return { labels, value: single }
  const counts = numbersIn(value['counts'])
  if (counts?.length !== buckets + 1 || typeof sum !== 'number') return undefined
  return { labels, counts, sum }
}

function textsIn(value: JsonValue | undefined): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const texts = value.flatMap((each) => (typeof each === 'string' ? [each] : []))
  return texts.length === value.length ? texts : undefined
}

function numbersIn(value: JsonValue | undefined): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined
  const numbers = value.flatMap((each) => (typeof each === 'number' ? [each] : []))
  return numbers.length === value.length ? numbers : undefined
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
