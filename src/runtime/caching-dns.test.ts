import { describe, expect, test } from 'vitest'
import type { Dns } from './dns.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDns, type FakeZones } from '../testkit/fake-dns.ts'
import { cachingDns, type CachingDnsOptions } from './caching-dns.ts'

function remembering(zones: FakeZones, options: Partial<CachingDnsOptions> = {}) {
  const clock = fakeClock()
  const asked = fakeDns(zones)
  return { clock, asked, dns: cachingDns(asked, { clock, ...options }) }
}

/** Answers as `dns` does, with that TTL. */
function withTtl(dns: Dns, ttlMs: number): Dns {
  return {
    ...dns,
    async addresses(name, signal) {
      const answer = await dns.addresses(name, signal)
      return answer.answer === 'found' ? { ...answer, ttlMs } : answer
    },
  }
}

describe('the DNS with a memory', () => {
  test('asks once for what many ask, at once or later', async () => {
    const { dns, asked } = remembering({ 'a.test': { addresses: ['192.0.2.1'] } })
    const [first, second] = await Promise.all([dns.addresses('a.test'), dns.addresses('A.TEST.')])
    expect(first).toEqual({ answer: 'found', records: ['192.0.2.1'] })
    expect(second).toEqual(first)
    expect(await dns.addresses('a.test')).toEqual(first)
    expect(asked.questions).toEqual(['addresses a.test'])
  })

  test('tells one type of record from another', async () => {
    const { dns, asked } = remembering({
      'a.test': { addresses: ['192.0.2.1'], txt: ['x'], mx: [{ exchange: 'm', preference: 1 }] },
    })
    expect(await dns.txt('a.test')).toMatchObject({ records: ['x'] })
    expect(await dns.mx('a.test')).toMatchObject({ records: [{ exchange: 'm' }] })
    expect(await dns.addresses('a.test')).toMatchObject({ records: ['192.0.2.1'] })
    expect(asked.questions).toHaveLength(3)
  })

  test('forgets an answer when its time is over', async () => {
    const clock = fakeClock()
    const asked = fakeDns({ 'a.test': { addresses: ['192.0.2.1'] } })
    const dns = cachingDns(withTtl(asked, 5_000), { clock })
    await dns.addresses('a.test')
    asked.change({ 'a.test': { addresses: ['192.0.2.2'] } })
    clock.advance(4_999)
    expect(await dns.addresses('a.test')).toMatchObject({ records: ['192.0.2.1'] })
    clock.advance(1)
    expect(await dns.addresses('a.test')).toMatchObject({ records: ['192.0.2.2'] })
  })

  test('keeps "no such name" for a shorter time, and no answer longer than the bound', async () => {
    const { dns, asked, clock } = remembering(
      { 'a.test': { txt: ['x'] } },
      { negativeMs: 10, mostMs: 20 },
    )
    for (let ms = 0; ms < 20; ms++) {
      expect(await dns.txt('none.test')).toEqual({ answer: 'no-name' })
      await dns.txt('a.test')
      clock.advance(1)
    }
    await dns.txt('a.test')
    expect(asked.questions.filter((question) => question === 'txt none.test')).toHaveLength(2)
    expect(asked.questions.filter((question) => question === 'txt a.test')).toHaveLength(2)
  })

  test('never remembers a failure', async () => {
    const { dns, asked } = remembering({ 'a.test': 'fails' })
    await expect(dns.mx('a.test')).rejects.toMatchObject({ code: 'DNS_FAILED' })
    asked.change({ 'a.test': { mx: [{ exchange: 'm.test', preference: 1 }] } })
    expect(await dns.mx('a.test')).toMatchObject({ answer: 'found' })
  })

  test('lets one asker go without the others', async () => {
    const { dns, asked } = remembering({ 'a.test': 'hangs' })
    const controller = new AbortController()
    const gone = dns.txt('a.test', controller.signal)
    void Promise.resolve(dns.txt('a.test')).catch(() => undefined)
    controller.abort()
    await expect(gone).rejects.toMatchObject({ code: 'ABORTED' })
    expect(asked.questions).toEqual(['txt a.test'])
  })

  test('does not keep what is longer than honest answers are', async () => {
    const { dns, asked } = remembering({ 'a.test': { txt: ['x'.repeat(64_000)] } })
    await dns.txt('a.test')
    await dns.txt('a.test')
    expect(asked.questions).toHaveLength(2)
  })

  test('keeps so many answers and no more, whoever asks for new ones', async () => {
    const { dns, asked } = remembering({ 'a.test': { txt: ['x'] } }, { maxAnswers: 3 })
    await dns.txt('a.test')
    for (const name of ['1.test', '2.test', '3.test']) await dns.txt(name)
    await dns.txt('a.test')
    await dns.txt('3.test')
    expect(asked.questions.filter((question) => question === 'txt a.test')).toHaveLength(2)
    expect(asked.questions.filter((question) => question === 'txt 3.test')).toHaveLength(1)
  })
})
