/** Keeps the numbers of one process. A name that is used twice with different meanings is a bug, and said so. */
import type { Clock } from '../clock.ts'
import { assertNames } from './define.ts'
import type {
  Counter,
  CounterDefinition,
  Gauge,
  GaugeDefinition,
  Histogram,
  HistogramDefinition,
  MetricDefinition,
  MetricLabels,
  Metrics,
  MetricSource,
} from './metrics.ts'
import type { MetricFamily, MetricSeries, MetricsSnapshot } from './snapshot.ts'

/** So long a source may take to say its values; what it says later is not shown. */
const sourceMs = 2_000
/** Metrics of plugins are many only where a plugin makes names of data. */
const mostFamilies = 2_000

class NumberCell implements Counter, Gauge {
  value = 0

  add(count = 1): void {
    this.value += count
  }

  set(value: number): void {
    this.value = value
  }

  read(labels: readonly string[]): MetricSeries {
    return { labels, value: this.value }
  }
}

class HistogramCell implements Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#sum += value
  }

  read(labels: readonly string[]): MetricSeries {
    return { labels, counts: [...this.#counts], sum: this.#sum }
  }
}

interface Cell {
  read(labels: readonly string[]): MetricSeries
}

/** The series of one metric. */
class Family<C extends Cell> {
  readonly definition: MetricDefinition
  readonly #make: (definition: MetricDefinition) => C
  readonly #cells = new Map<string, { readonly labels: readonly string[]; readonly cell: C }>()

  constructor(definition: MetricDefinition, make: (definition: MetricDefinition) => C) {
    this.definition = definition
    this.#make = make
  }

  get size(): number {
    return this.#cells.size
  }

  cell(given: MetricLabels = {}): C {
    const { labels: names, maxSeries } = this.definition
    const labels = names.map((name) => given[name] ?? '')
    const known = this.#cells.get(labels.join('\0'))
    if (known !== undefined) return known.cell
    return this.#add(this.#cells.size < maxSeries ? labels : names.map(() => 'other'))
  }

  #add(labels: readonly string[]): C {
    const key = labels.join('\0')
    const cell = this.#cells.get(key)?.cell ?? this.#make(this.definition)
    this.#cells.set(key, { labels, cell })
    return cell
  }

  read(): MetricFamily {
    const { name, kind, help, labels, merging, buckets } = this.definition
    const series = [...this.#cells.values()].map((each) => each.cell.read(each.labels))
    return { name, kind, help, labels, merging, buckets, series }
  }
}

const numberCell = (): NumberCell => new NumberCell()
const histogramCell = ({ buckets }: MetricDefinition): HistogramCell => new HistogramCell(buckets)

/** Families by name, each with one meaning. */
class Families {
  readonly #numbers = new Map<string, Family<NumberCell>>()
  readonly #histograms = new Map<string, Family<HistogramCell>>()

  numbers(definition: MetricDefinition, labels: MetricLabels | undefined): NumberCell {
    if (this.#isFull) return new NumberCell()
    return familyOf(this.#numbers, definition, numberCell).cell(labels)
  }

  histograms(definition: HistogramDefinition, labels: MetricLabels | undefined): HistogramCell {
    if (this.#isFull) return new HistogramCell(definition.buckets)
    return familyOf(this.#histograms, definition, histogramCell).cell(labels)
  }

  /** Then what is new is counted and never shown. */
  get #isFull(): boolean {
    return this.#numbers.size + this.#histograms.size > mostFamilies
  }

  read(): readonly MetricFamily[] {
    return [...this.#numbers.values(), ...this.#histograms.values()].map((each) => each.read())
  }
}

function familyOf<C extends Cell>(
  families: Map<string, Family<C>>,
  definition: MetricDefinition,
  make: (definition: MetricDefinition) => C,
): Family<C> {
  const { name } = definition
  const known = families.get(name)
  if (known === undefined) {
    assertNames(definition)
    const family = new Family(definition, make)
    families.set(name, family)
    return family
  }
  const { kind, labels, buckets } = known.definition
  const same =
    kind === definition.kind &&
    labels.join() === definition.labels.join() &&
    buckets.join() === definition.buckets.join()
  if (!same) throw new TypeError(`the metric ${name} has two meanings`)
  return known
}

/** The numbers of this process. */
export function metricRegistry(clock: Pick<Clock, 'now' | 'after'>): Metrics {
  const families = new Families()
  const sources = new Set<MetricSource>()
  return {
    counter: (definition: CounterDefinition, labels) => families.numbers(definition, labels),
    gauge: (definition: GaugeDefinition, labels) => families.numbers(definition, labels),
    histogram: (definition, labels) => families.histograms(definition, labels),
    watch(source) {
      sources.add(source)
      return () => void sources.delete(source)
    },
    async snapshot() {
      const states = new Families()
      await Promise.all([...sources].map((source) => ask(source, states, clock)))
      return asSnapshot([...families.read(), ...states.read()], clock.now())
    },
  }
}

/** Never rejects, and never waits for long. */
async function ask(
  source: MetricSource,
  states: Families,
  clock: Pick<Clock, 'after'>,
): Promise<void> {
  let late = false
  const { promise: deadline, resolve } = Promise.withResolvers<void>()
  const timer = clock.after(sourceMs, resolve)
  const said = (async () => {
    await source((definition, value, labels) => {
      if (!late && Number.isFinite(value)) states.numbers(definition, labels).set(value)
    })
  })().catch(() => undefined)
  await Promise.race([said, deadline])
  late = true
  timer.cancel()
}

/** A family that is counted and reported is one family. */
function asSnapshot(families: readonly MetricFamily[], at: number): MetricsSnapshot {
  const byName = new Map<string, MetricFamily>()
  for (const family of families) {
    const before = byName.get(family.name)
    const series = before === undefined ? family.series : [...before.series, ...family.series]
    byName.set(family.name, { ...family, series })
  }
  const metrics = [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { version: 1, at, metrics }
}
