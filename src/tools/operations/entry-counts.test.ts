import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chainMetrics } from '../../runtime/metrics/inventory.ts'
import { metricRegistry } from '../../runtime/metrics/registry.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { entryCounts } from './entry-counts.ts'
import { quantile } from './metric-values.ts'

test('an entry has the sums of its stages, and what it did in shadow apart', async () => {
  const metrics = metricRegistry(fakeClock())
  const verdict = (stage: string, mode: string, said: string, count: number): void =>
    metrics.counter(chainMetrics.verdicts, { entry: 'spam', stage, mode, verdict: said }).add(count)
  verdict('recipient', 'enforce', 'pass', 7)
  verdict('message', 'enforce', 'reject', 2)
  verdict('message', 'shadow', 'defer', 1)
  metrics.counter(chainMetrics.faults, { entry: 'spam', stage: 'message', fault: 'timeout' }).add()
  metrics.counter(chainMetrics.verdicts, {
    entry: 'idle',
    stage: 'message',
    mode: 'enforce',
    verdict: 'pass',
  })
  const times = ['recipient', 'message'].map((stage) =>
    metrics.histogram(chainMetrics.latency, { entry: 'spam', stage }),
  )
  for (let at = 0; at < 99; at++) times[0]?.observe(0.0004)
  times[1]?.observe(4)
  const counts = entryCounts(await metrics.snapshot())
  expect([...counts.keys()]).toEqual(['spam'])
  expect(counts.get('spam')).toMatchObject({ asked: 10, objected: 2, would: 1, faults: 1 })
  expect(counts.get('spam')?.p50Ms).toBeCloseTo(0.302, 2)
  expect(counts.get('spam')?.p99Ms).toBeLessThanOrEqual(0.5)
})

test('a quantile lies in the bucket of its observation, and rises with its share', () => {
  const bounds = [1, 2, 5, 10]
  fc.assert(
    fc.property(
      fc.array(fc.nat(100), { minLength: 5, maxLength: 5 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (counts, share) => {
        fc.pre(counts.some((count) => count > 0))
        const found = quantile(bounds, counts, share)
        const most = quantile(bounds, counts, 1) ?? 0
        expect(found).toBeGreaterThanOrEqual(0)
        expect(found).toBeLessThanOrEqual(most)
        expect(most).toBeLessThanOrEqual(10)
      },
    ),
  )
  expect(quantile(bounds, [0, 0, 0, 0, 0], 0.5)).toBeUndefined()
  expect(quantile(bounds, [0, 10, 0, 0, 0], 0.5)).toBe(1.5)
  expect(quantile(bounds, [0, 0, 0, 0, 3], 0.5)).toBe(10)
})
