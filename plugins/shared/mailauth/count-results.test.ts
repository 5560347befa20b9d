import { expect, test } from 'vitest'
import type { PluginMetrics } from 'postern/plugin'
import { resultCounter } from './count-results.ts'

test('each result has a counter of its own from the beginning', () => {
  const counts = new Map<string, number>()
  const nothing = { set: () => undefined, observe: () => undefined }
  const metrics: PluginMetrics = {
    counter(name, _help, labels = {}) {
      const key = `${name} ${labels['result']}`
      counts.set(key, 0)
      return { add: (count = 1) => void counts.set(key, (counts.get(key) ?? 0) + count) }
    },
    gauge: () => nothing,
    histogram: () => nothing,
  }
  const count = resultCounter(metrics, 'SPF')
  count('pass')
  count('pass')
  count('softfail')
  expect(counts.get('results_total pass')).toBe(2)
  expect(counts.get('results_total softfail')).toBe(1)
  expect(counts.get('results_total none')).toBe(0)
  expect(counts.size).toBe(8)
})
