import { describe, expect, test } from 'vitest'
import { fakeClock, fakeDns, recordingLog, type FakeZones } from 'postern/testkit'
import { parseDnsList, type DnsList } from './dns-list.ts'
import { addressTestPoints, domainTestPoints, ListPanel, weightOf } from './list-panel.ts'

const healthy = (base: string): FakeZones => ({
  [`2.0.0.127.${base}`]: { addresses: ['127.0.0.2'] },
})

function panelOf(
  lists: readonly string[],
  zones: FakeZones,
  selfTest = false,
  testPoints = addressTestPoints,
) {
  const clock = fakeClock()
  const log = recordingLog()
  const dns = fakeDns(zones)
  const resting = new Map<string, number>()
  const panel = new ListPanel({
    dns,
    clock,
    log,
    metrics: {
      gauge: (_name, _help, labels) => ({
        set: (value) => void resting.set(labels?.['list'] ?? '', value),
      }),
    },
    lists: lists.map(listOf),
    testPoints,
    selfTest,
  })
  const { signal } = new AbortController()
  const ask = (name = '9.2.0.192') => panel.ask(name, { signal, withinMs: 1000 })
  return { panel, clock, log, dns, ask, resting }
}

function listOf(text: string): DnsList {
  const list = parseDnsList(text)
  if (list === undefined) throw new Error(text)
  return list
}

/** Whatever is under way settles. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a panel of DNS lists', () => {
  test('asks all of them at once, and adds up what they say', async () => {
    const { ask, dns } = panelOf(['a.test*2', 'b.test', 'c.test*-1'], {
      '9.2.0.192.a.test': { addresses: ['127.0.0.2'] },
      '9.2.0.192.c.test': { addresses: ['127.0.0.3'] },
    })
    const { hits, failed } = await ask()
    expect(hits.map(({ list }) => list.base)).toEqual(['a.test', 'c.test'])
    expect([weightOf(hits), failed]).toEqual([1, []])
    expect(dns.questions).toHaveLength(3)
  })

  test('waits no longer than its budget for a list that does not answer', async () => {
    const { ask, clock } = panelOf(['a.test', 'dead.test'], {
      '9.2.0.192.a.test': { addresses: ['127.0.0.2'] },
      '9.2.0.192.dead.test': 'hangs',
    })
    const asked = ask()
    await settled()
    clock.advance(1000)
    expect(await asked).toMatchObject({
      hits: [{ codes: ['127.0.0.2'] }],
      failed: [{ base: 'dead.test' }],
    })
    expect(clock.pending).toBe(0)
  })

  test('does not blame a list for a client that hangs up', async () => {
    const { panel, log } = panelOf(['slow.test'], { '9.2.0.192.slow.test': 'hangs' })
    for (let time = 0; time < 5; time++) {
      const controller = new AbortController()
      const asked = panel.ask('9.2.0.192', { signal: controller.signal, withinMs: 1000 })
      controller.abort()
      await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
    }
    expect(panel.suspended).toEqual([])
    expect(log.events).toEqual([])
  })

  test('rests a list that fails three times in a row, and takes it back when it answers', async () => {
    const zones = { '9.2.0.192.ill.test': 'fails', '9.2.0.192.a.test': {} } as const
    const { ask, dns, panel, log, clock, resting } = panelOf(['a.test', 'ill.test'], zones)
    for (let time = 0; time < 2; time++) expect((await ask()).failed).toEqual([listOf('ill.test')])
    expect((await ask()).resting).toEqual([listOf('ill.test')])
    expect(panel.suspended).toEqual(['ill.test'])
    expect(resting.get('ill.test')).toBe(1)
    const before = dns.questions.length
    expect(await ask()).toEqual({ hits: [], failed: [], resting: [listOf('ill.test')] })
    expect(dns.questions.slice(before)).toEqual(['ipv4 9.2.0.192.a.test'])
    dns.change({ '9.2.0.192.ill.test': undefined })
    clock.advance(5 * 60_000)
    await settled()
    expect(panel.suspended).toEqual([])
    expect(resting.get('ill.test')).toBe(0)
    expect(log.events.map(({ event }) => event)).toEqual(['dns-list.suspended', 'dns-list.resumed'])
  })

  test('rests a dead list for all who still wait for it when it is put to rest', async () => {
    const { ask, clock } = panelOf(['a.test', 'dead.test'], { '9.2.0.192.dead.test': 'hangs' })
    const asked = Promise.all(Array.from({ length: 50 }, async () => ask()))
    await settled()
    clock.advance(1000)
    const answers = await asked
    const rests = { hits: [], failed: [], resting: [listOf('dead.test')] }
    expect(answers).toEqual(answers.map(() => rests))
  })

  test('rests a list that answers for everybody, and says so', async () => {
    const { panel, log } = panelOf(
      ['good.test', 'wild.test'],
      {
        ...healthy('good.test'),
        ...healthy('wild.test'),
        '1.0.0.127.wild.test': { addresses: ['127.0.0.2'] },
      },
      true,
    )
    panel.open()
    await settled()
    expect(panel.suspended).toEqual(['wild.test'])
    expect(log.events).toMatchObject([
      { event: 'dns-list.suspended', fields: { list: 'wild.test' } },
    ])
    panel.close()
  })

  test('rests a list that does not hold its own test entry, and tries it again', async () => {
    const { panel, dns, clock } = panelOf(['lapsed.test'], {}, true)
    panel.open()
    await settled()
    expect(panel.suspended).toEqual(['lapsed.test'])
    dns.change(healthy('lapsed.test'))
    clock.advance(5 * 60_000)
    await settled()
    expect(panel.suspended).toEqual([])
    panel.close()
    expect(clock.pending).toBe(0)
  })

  test('knows a list of IPv6 addresses alone by its own test entries', async () => {
    // RFC 5782 §5: ::FFFF:7F00:2, and not ::FFFF:7F00:1.
    const entry = (last: number, base: string): string =>
      `${last}.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.${base}`
    const listed = { addresses: ['127.0.0.2'] }
    const zones = {
      [entry(2, 'six.test')]: listed,
      [entry(1, 'wild.test')]: listed,
      [entry(2, 'wild.test')]: listed,
    }
    const { panel } = panelOf(['six.test', 'wild.test', 'dead.test'], zones, true)
    panel.open()
    await settled()
    expect(panel.suspended.toSorted()).toEqual(['dead.test', 'wild.test'])
    panel.close()
  })

  test.each([
    ['fails', 'the name server did not answer'],
    [{ addresses: ['127.255.255.254'] }, 'answers 127.255.255.254'],
    ['hangs', 'gives no answer in time'],
  ] as const)('keeps asking a list whose test meets %j, and says why', async (zone, problem) => {
    const { panel, log, clock } = panelOf(['a.test'], { '2.0.0.127.a.test': zone }, true)
    panel.open()
    await settled()
    clock.advance(10_000)
    await settled()
    expect(panel.suspended).toEqual([])
    const fields = { list: 'a.test', problem: expect.stringContaining(problem) }
    expect(log.events).toMatchObject([{ event: 'dns-list.not-tested', fields }])
    panel.close()
  })

  test('is probed by what its lists say of their test entries', async () => {
    const { panel } = panelOf(
      ['a.test', 'b.test'],
      { ...healthy('a.test'), ...healthy('b.test') },
      true,
    )
    expect(await panel.probe()).toBe(
      'a.test has its test entries and no others\nb.test has its test entries and no others',
    )
    const zones = {
      '2.0.0.127.dead.test': 'fails',
      '2.0.0.127.refuses.test': { addresses: ['127.255.255.254'] },
      ...healthy('a.test'),
    } as const
    const bad = panelOf(['dead.test', 'a.test', 'refuses.test', 'lapsed.test'], zones, true)
    await expect(bad.panel.probe()).rejects.toThrow(
      /^dead\.test: .*; refuses\.test: answers 127\.255\.255\.254; lapsed\.test: does not hold 2\.0\.0\.127, as if it were dead$/,
    )
  })

  test('of links may hold addresses for a test', async () => {
    const zones = { '2.0.0.127.links.test': { addresses: ['127.0.0.14'] } }
    const { panel } = panelOf(['links.test'], zones, true, domainTestPoints)
    expect(await panel.probe()).toMatch(/^links\.test/)
  })
})
