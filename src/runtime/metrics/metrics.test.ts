import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { readPrometheusText } from '../../testkit/prometheus-text.ts'
import { valueIn } from '../../testkit/readable-metrics.ts'
import { counterMetric, gaugeMetric, histogramMetric } from './define.ts'
import { inventory } from './inventory.ts'
import { mergeSnapshots } from './merge.ts'
import { formatPrometheus } from './prometheus.ts'
import { metricRegistry } from './registry.ts'
import { readSnapshot } from './snapshot.ts'

const hits = counterMetric('postern_hits_total', 'Hits', ['of'], { maxSeries: 3 })
const level = gaugeMetric('postern_level', 'How high', ['of'], { merging: 'max' })
const time = histogramMetric('postern_time_seconds', 'How long', ['of'], { buckets: [0.1, 1] })

function stage() {
  const clock = fakeClock()
  return { clock, metrics: metricRegistry(clock) }
}

describe('the registry', () => {
  test('gives the same handle for the same labels, and counts by it', async () => {
    const { metrics } = stage()
    metrics.counter(hits, { of: 'a' }).add()
    metrics.counter(hits, { of: 'a' }).add(2)
    metrics.counter(hits, { of: 'b' }).add()
    const snapshot = await metrics.snapshot()
    expect(valueIn(snapshot, hits.name, { of: 'a' })).toBe(3)
    expect(valueIn(snapshot, hits.name, { of: 'b' })).toBe(1)
  })

  test('counts as other what comes beyond the series that a metric may have', async () => {
    const { metrics } = stage()
    for (let n = 0; n < 1000; n++) metrics.counter(hits, { of: `stranger-${n}.test` }).add()
    const snapshot = await metrics.snapshot()
    expect(snapshot.metrics[0]?.series).toHaveLength(4)
    expect(valueIn(snapshot, hits.name, { of: 'other' })).toBe(997)
  })

  test('asks for states at each snapshot and forgets those that are gone', async () => {
    const { metrics } = stage()
    let names = ['x', 'y']
    const stop = metrics.watch((report) => names.forEach((of) => report(level, 1, { of })))
    expect((await metrics.snapshot()).metrics[0]?.series).toHaveLength(2)
    names = ['y']
    expect((await metrics.snapshot()).metrics[0]?.series).toEqual([{ labels: ['y'], value: 1 }])
    stop()
    expect((await metrics.snapshot()).metrics).toEqual([])
  })

  test('shows the rest where one source throws and another never answers', async () => {
    const { clock, metrics } = stage()
    metrics.watch(() => {
      throw new Error('a bug')
    })
    metrics.watch((report) => {
      report(level, 7, { of: 'early' })
      return new Promise(() => undefined)
    })
    metrics.counter(hits, { of: 'a' }).add()
    const asked = metrics.snapshot()
    clock.advance(2_000)
    const snapshot = await asked
    expect(valueIn(snapshot, hits.name, { of: 'a' })).toBe(1)
    expect(valueIn(snapshot, level.name, { of: 'early' })).toBe(7)
  })

  test('refuses a name with two meanings, and names that Prometheus would not read', () => {
    const { metrics } = stage()
    metrics.counter(hits, { of: 'a' })
    expect(() => metrics.counter(counterMetric(hits.name, 'Hits', ['by']))).toThrow('two meanings')
    expect(() => metrics.counter(counterMetric('Bad-Name', 'x'))).toThrow('no name')
    expect(() => metrics.counter(counterMetric('good_total', 'x', ['le']))).toThrow('no name')
  })

  test('sorts values into the bucket whose bound they do not exceed', async () => {
    const { metrics } = stage()
    const handle = metrics.histogram(time, { of: 'a' })
    for (const seconds of [0.05, 0.1, 0.5, 1, 60]) handle.observe(seconds)
    const [family] = (await metrics.snapshot()).metrics
    expect(family?.series).toEqual([{ labels: ['a'], counts: [2, 2, 1], sum: 61.65 }])
  })
})

describe('several workers', () => {
  test('are one: counters and histograms added up, gauges as their definition says', async () => {
    const [one, two] = [stage().metrics, stage().metrics]
    for (const [metrics, n] of [
      [one, 1],
      [two, 2],
    ] as const) {
      metrics.counter(hits, { of: 'a' }).add(n)
      metrics.gauge(level, { of: 'a' }).set(n * 10)
      metrics.histogram(time, { of: 'a' }).observe(n)
    }
    two.counter(hits, { of: 'b' }).add()
    const merged = mergeSnapshots([await one.snapshot(), await two.snapshot()])
    expect(valueIn(merged, hits.name, { of: 'a' })).toBe(3)
    expect(valueIn(merged, hits.name, { of: 'b' })).toBe(1)
    expect(valueIn(merged, level.name, { of: 'a' })).toBe(20)
    expect(merged.metrics.find(({ name }) => name === time.name)?.series).toEqual([
      { labels: ['a'], counts: [0, 1, 1], sum: 3 },
    ])
  })

  test('of which there is none have nothing to say', () => {
    expect(mergeSnapshots([])).toEqual({ version: 1, at: 0, metrics: [] })
  })
})

describe('the text', () => {
  test('is what a strict reader of the format takes, whatever the labels are', async () => {
    const unit = fc.constantFrom(
      '"',
      '\\',
      '\n',
      '{',
      '}',
      ',',
      '=',
      ' ',
      '\0',
      'a',
      'ü',
      '\ud800',
      '😀',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit, maxLength: 8 }), fc.double({ noNaN: true })), {
          maxLength: 8,
        }),
        async (values) => {
          const { metrics } = stage()
          const distinct = new Map(values.map(([of, value]) => [of.toWellFormed(), value]))
          for (const [of, value] of distinct) {
            metrics.gauge(level, { of }).set(value)
            metrics.histogram(time, { of }).observe(Math.abs(value))
          }
          const read = readPrometheusText(formatPrometheus(await metrics.snapshot()))
          expect(read.get(level.name)?.samples.length ?? 0).toBe(distinct.size)
          for (const { labels, value } of read.get(level.name)?.samples ?? []) {
            expect(value).toBe((distinct.get(labels.get('of') ?? '') ?? 0) + 0)
          }
        },
      ),
    )
  })

  test('of a histogram adds up from bucket to bucket', async () => {
    const { metrics } = stage()
    metrics.histogram(time, { of: 'a' }).observe(0.05)
    metrics.histogram(time, { of: 'a' }).observe(5)
    expect(formatPrometheus(await metrics.snapshot())).toBe(
      [
        '# HELP postern_time_seconds How long',
        '# TYPE postern_time_seconds histogram',
        'postern_time_seconds_bucket{of="a",le="0.1"} 1',
        'postern_time_seconds_bucket{of="a",le="1"} 1',
        'postern_time_seconds_bucket{of="a",le="+Inf"} 2',
        'postern_time_seconds_sum{of="a"} 5.05',
        'postern_time_seconds_count{of="a"} 2',
        '',
      ].join('\n'),
    )
  })
})

describe('a snapshot', () => {
  test('survives the way over a socket', async () => {
    const { metrics } = stage()
    metrics.counter(hits, { of: 'a' }).add()
    metrics.histogram(time, { of: 'ü"\n' }).observe(0.3)
    const snapshot = await metrics.snapshot()
    expect(readSnapshot(JSON.parse(JSON.stringify(snapshot)))).toEqual(snapshot)
  })

  test('that makes no sense is none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(readSnapshot(JSON.parse(JSON.stringify(value)))).toBeUndefined()
      }),
    )
  })
})

describe('the inventory', () => {
  test('has each name once, and names as Prometheus wants them', () => {
    const names = inventory.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { name, kind } of inventory) {
      expect(name).toMatch(/^postern_[a-z_]+$/)
      expect(name.endsWith('_total')).toBe(kind === 'counter')
    }
  })
})
