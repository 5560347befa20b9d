import { expect, test } from 'vitest'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { memoryStore } from '../../testkit/memory-store.ts'
import { dayOf, readDay, TlsCounts, tlsCountTable } from './counts.ts'
import { noPolicy, type TlsSighting } from './sighting.ts'

function stage() {
  const clock = fakeClock()
  const store = memoryStore(clock)
  const counts = (run: string) => new TlsCounts(store, { now: () => clock.now(), run })
  const read = (domain?: string, day = dayOf(clock.now())) =>
    readDay(tlsCountTable(store), day, domain)
  return { clock, store, counts, read }
}

const success = (domain: string): TlsSighting => ({ domain, policy: noPolicy, outcome: {} })
const failure = (domain: string, reason = 'expired'): TlsSighting => ({
  domain,
  policy: { type: 'sts', lines: ['mode: enforce'], mx: ['mx.test'] },
  hop: { name: 'mx.test', address: '192.0.2.1' },
  outcome: { failure: 'certificate-expired', reason },
})

test('what several processes have counted is added up by domain, day and policy', async () => {
  const { clock, counts, read } = stage()
  const [one, other] = [counts('a'), counts('b')]
  for (const each of [one, one, other]) each.count(success('there.test'))
  for (const each of [one, other]) each.count(failure('there.test'))
  one.count(success('there.test.else'))
  const [found] = await read('there.test')
  expect(found?.policies).toMatchObject([
    { policy: { type: 'no-policy-found' }, successes: 3, failures: 0, details: [] },
    {
      policy: { type: 'sts', lines: ['mode: enforce'], mx: ['mx.test'] },
      successes: 0,
      failures: 2,
      details: [{ failure: 'certificate-expired', host: 'mx.test', reason: 'expired', count: 2 }],
    },
  ])
  expect((await read()).map(({ domain }) => domain)).toEqual(['there.test', 'there.test.else'])
  const before = dayOf(clock.now())
  clock.advance(86_400_000)
  one.count(success('there.test'))
  expect((await read('there.test'))[0]?.policies).toMatchObject([{ successes: 1 }])
  expect((await read('there.test', before))[0]?.policies).toHaveLength(2)
  clock.advance(15 * 86_400_000)
  expect(await read(undefined, before)).toEqual([])
})

test('however much a domain has to say, its entry stays small, and no failure is left uncounted', async () => {
  const { store, counts, read } = stage()
  const busy = counts('a')
  for (let at = 0; at < 100; at++) {
    busy.count(failure('there.test', `${at}${'x'.repeat(10_000)}`))
    const lines = Array.from({ length: 100 }, () => `${at}`.repeat(1_000))
    busy.count({ ...failure('there.test'), policy: { type: 'sts', lines, mx: lines } })
  }
  for (const value of store.entries('tls_reports').values()) {
    expect(JSON.stringify(value).length).toBeLessThan(150_000)
  }
  const [found] = await read('there.test')
  expect(found?.policies.length).toBeLessThanOrEqual(8)
  expect(found?.policies.reduce((sum, { failures }) => sum + failures, 0)).toBe(200)
})

test('so many domains that not all are remembered are all counted', async () => {
  const { counts, read } = stage()
  const busy = counts('a')
  for (const round of [1, 2]) {
    for (let at = 0; at < 2_100; at++) busy.count(success(`${at}.test`))
    expect(round).toBeLessThan(3)
  }
  const days = await read()
  expect(days).toHaveLength(2_100)
  expect(days.every(({ policies }) => policies[0]?.successes === 2)).toBe(true)
})

test('what is no name is not counted', async () => {
  const { counts, read } = stage()
  for (const domain of ['', 'a b', 'x'.repeat(300), 'grüße.test'])
    counts('a').count(success(domain))
  expect(await read()).toEqual([])
})
