import { expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDns } from '../testkit/fake-dns.ts'
import { readableMetrics } from '../testkit/readable-metrics.ts'
import { cachingDns } from './caching-dns.ts'
import { countedDns, timedDns } from './measured-dns.ts'

test('questions that memory answers are lookups, and no questions', async () => {
  const clock = fakeClock()
  const metrics = readableMetrics(clock)
  const zones = fakeDns({ 'a.test': { txt: ['x'] } })
  const dns = countedDns(cachingDns(timedDns(zones, metrics, clock), { clock }), metrics)
  for (let n = 0; n < 3; n++) await dns.txt('a.test')
  await dns.mx('b.test')
  expect(await metrics.value('postern_dns_lookups_total', { type: 'txt' })).toBe(3)
  const questions = 'postern_dns_questions_total'
  expect(await metrics.value(questions, { type: 'txt', answer: 'found' })).toBe(1)
  expect(await metrics.value(questions, { type: 'mx', answer: 'no-name' })).toBe(1)
  expect(await metrics.value('postern_dns_seconds', { type: 'txt' })).toBe(1)
})

test('a name server that fails is counted, and its failure handed on', async () => {
  const clock = fakeClock()
  const metrics = readableMetrics(clock)
  const failing = { ...fakeDns(), txt: () => Promise.reject(new Error('SERVFAIL')) }
  const dns = timedDns(failing, metrics, clock)
  await expect(dns.txt('a.test')).rejects.toThrow('SERVFAIL')
  const labels = { type: 'txt', answer: 'failed' }
  expect(await metrics.value('postern_dns_questions_total', labels)).toBe(1)
})
