import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../mail/json.ts'
import type { Archive } from '../runtime/archive.ts'
import { openArchive } from '../runtime/node/archive.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { memoryArchive } from '../testkit/memory-archive.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { ArchiveTraceSearch } from './archive-search.ts'
import { describeRecord } from './describe-record.ts'
import type { TraceQuery } from './trace-search.ts'

const describer = new URL('./describe-record.ts', import.meta.url)
const plenty = { maxRecords: 100_000, maxAgeMs: Infinity, maxBytes: Infinity }

let folder = ''
const opened: Archive[] = []

async function archive(): Promise<Archive> {
  const path = join(folder, `${opened.length}.db`)
  const parts = { path, describer, bounds: plenty, clock: systemClock, log: recordingLog() }
  const one = await openArchive(parts)
  opened.push(one)
  return one
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-traces-'))
})

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
  rmSync(folder, { recursive: true, force: true })
})

/** One of few values of each kind, so that questions find something. */
const users = ['ann', 'Bob', 'carl', "d'ora\u0007", 'ü']
const domains = ['a.test', 'B.test', 'xn--c.test']
const clients = [
  '192.0.2.1',
  '192.0.2.130',
  '198.51.100.7',
  '2001:db8::1',
  '2001:db8:0:1::9',
  'unix',
]
const anyOf = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const address = fc.tuple(anyOf(users), anyOf(domains)).map(([user, domain]) => `${user}@${domain}`)

interface Sample {
  readonly from: string
  readonly to: readonly string[]
  readonly client: string
  readonly messageId: string
  readonly reason: string
  readonly entry: string
  readonly score: number
  readonly how: 'accepted' | 'refused' | 'deferred' | 'quarantined' | 'discarded' | 'abandoned'
}

const sample: fc.Arbitrary<Sample> = fc.record({
  from: fc.oneof(address, fc.constant('')),
  to: fc.array(address, { minLength: 1, maxLength: 3 }),
  client: anyOf(clients),
  messageId: anyOf(['one@x', 'TWO@x', 'three']),
  reason: anyOf(['LISTED', 'SPF_FAIL', 'x'.repeat(200)]),
  entry: anyOf(['dnsbl', 'spf']),
  score: fc.integer({ min: -20, max: 200 }).map((tenths) => tenths / 10),
  how: anyOf(['accepted', 'refused', 'deferred', 'quarantined', 'discarded', 'abandoned'] as const),
})

function recordOf(what: Sample, n: number): JsonObject {
  const { how, reason, entry } = what
  const code = how === 'refused' ? 550 : 451
  const disposition = how === 'quarantined' ? 'hold' : how === 'discarded' ? 'discard' : 'deliver'
  const placement = { disposition, reversePath: `<${what.from}>`, recipients: what.to }
  const said = { stage: 'message', code, status: '5.7.1', text: 'No', reason, entry }
  return {
    version: 1,
    id: `s${n}.1`,
    session: `s${n}`,
    chain: 'c',
    at: n * 1000,
    endedAt: n * 1000 + 5,
    listener: 'mx',
    remote: `${what.client}:4000`,
    hostname: 'mx.test',
    environment: '',
    reversePath: `<${what.from}>`,
    recipients: what.to.map((to) => [to, 1]),
    stage: 'message',
    messageId: what.messageId,
    score: what.score,
    reasons: [reason],
    ...(how === 'refused' || how === 'deferred'
      ? { end: 'refused', reply: [code, '5.7.1', 'No'], objection: said }
      : how === 'abandoned'
        ? { end: 'reset' }
        : { end: 'committed', queueIds: [`q${n}`], reply: [250, '2.0.0', 'Ok'] }),
    ...(how === 'quarantined' || how === 'discarded'
      ? { placements: [{ ...placement, reason, entry }] }
      : {}),
  }
}

const question: fc.Arbitrary<TraceQuery> = fc.record(
  {
    sender: fc.oneof(address, anyOf(domains), fc.constant('<>')),
    recipient: fc.oneof(
      address,
      anyOf(domains).map((domain) => `@${domain.toLowerCase()}`),
    ),
    address,
    client: anyOf([
      ...clients.slice(0, 5),
      '192.0.2.0/25',
      '192.0.0.0/9',
      '2001:db8::/32',
      '2001:db8::/64',
      '::/0',
    ]),
    messageId: anyOf(['<one@x>', 'two@X']),
    reason: anyOf(['listed', 'SPF_FAIL']),
    entry: anyOf(['dnsbl', 'spf']),
    outcome: anyOf([
      'accepted',
      'refused',
      'deferred',
      'quarantined',
      'discarded',
      'abandoned',
    ] as const),
    scoreAtLeast: anyOf([-5, 0, 5, 19.9]),
    since: anyOf([0, 40_000, 90_000]),
    until: anyOf([50_000, 100_005]),
    order: anyOf(['newest', 'oldest'] as const),
  },
  { requiredKeys: [] },
)

const networks: Readonly<Record<string, readonly string[]>> = {
  '192.0.2.0/25': ['192.0.2.1'],
  '192.0.0.0/9': ['192.0.2.1', '192.0.2.130'],
  '2001:db8::/32': ['2001:db8::1', '2001:db8:0:1::9'],
  '2001:db8::/64': ['2001:db8::1'],
  '::/0': ['2001:db8::1', '2001:db8:0:1::9'],
}

/** The same question in the plainest words there are. */
function naively(query: TraceQuery, what: Sample, n: number): boolean {
  const { how } = what
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
  const is = (each: string, wanted: string): boolean => {
    if (wanted === '<>') return each === ''
    const domain = wanted.replace(/^@/, '')
    return domain.includes('@') ? same(each, domain) : same(each.split('@')[1] ?? '', domain)
  }
  const decided = how !== 'accepted' && how !== 'abandoned'
  const holds = [
    query.sender === undefined || is(what.from, query.sender),
    query.recipient === undefined ||
      what.to.some((to) => [query.recipient ?? []].flat().some((wanted) => is(to, wanted))),
    query.address === undefined ||
      [what.from, ...what.to].some((each) => is(each, query.address ?? '')),
    query.client === undefined || (networks[query.client] ?? [query.client]).includes(what.client),
    query.messageId === undefined || same(what.messageId, query.messageId.replace(/[<>]/g, '')),
    query.reason === undefined || same(what.reason, query.reason),
    query.entry === undefined || (decided && what.entry === query.entry),
    query.outcome === undefined || how === query.outcome,
    query.scoreAtLeast === undefined || what.score >= query.scoreAtLeast,
    query.since === undefined || n * 1000 + 5 >= query.since,
    query.until === undefined || n * 1000 + 5 < query.until,
  ]
  return holds.every(Boolean)
}

async function everyPage(
  search: ArchiveTraceSearch,
  query: TraceQuery,
  limit: number,
): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await search.search({ ...query, limit, ...(cursor && { cursor }) })
    ids.push(...page.items.map(({ id }) => id))
    if (page.next === undefined) return ids
    cursor = page.next
  }
}

function put(into: Archive, record: JsonObject): void {
  into.addLater(record, { at: Number(record['endedAt']), counts: true, detail: () => '[]' })
}

describe('a search', () => {
  test('finds what a look at every record finds, page by page, with an index and without', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(sample, { minLength: 1, maxLength: 60 }),
        fc.array(question, { minLength: 5, maxLength: 5 }),
        fc.integer({ min: 1, max: 20 }),
        async (samples, questions, limit) => {
          const file = await archive()
          // Enough to fill a segment: the first records have an index, the last have none.
          const records = Array.from(
            { length: 600 },
            (_, n) => samples[n % samples.length] ?? samples[0]!,
          )
          for (const [n, what] of records.entries()) put(file, recordOf(what, n))
          const search = new ArchiveTraceSearch(file)
          for (const query of questions) {
            const expected = records.flatMap((what, n) =>
              naively(query, what, n) ? [`s${n}.1`] : [],
            )
            if (query.order !== 'oldest') expected.reverse()
            expect(await everyPage(search, query, limit * 20)).toEqual(expected)
          }
        },
      ),
      { numRuns: 8 },
    )
  }, 60_000)

  test('of the memory, which the tests of others use, finds the same', async () => {
    const samples = fc.sample(sample, { numRuns: 80, seed: 7 })
    const memory = memoryArchive(describeRecord)
    for (const [n, what] of samples.entries()) put(memory, recordOf(what, n))
    const search = new ArchiveTraceSearch(memory)
    for (const query of fc.sample(question, { numRuns: 100, seed: 7 })) {
      const expected = samples.flatMap((what, n) => (naively(query, what, n) ? [`s${n}.1`] : []))
      if (query.order !== 'oldest') expected.reverse()
      expect(await everyPage(search, query, 7)).toEqual(expected)
    }
  })

  test('takes any text, and never finds what is not there', async () => {
    const file = await archive()
    put(file, recordOf(fc.sample(sample, { numRuns: 1, seed: 1 })[0]!, 1))
    const search = new ArchiveTraceSearch(file)
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 300, unit: 'binary' }), async (text) => {
        const hostile = `${text}\u0000never`
        expect(await search.read(hostile)).toBeUndefined()
        const queries: TraceQuery[] = [
          { sender: hostile },
          { recipient: hostile },
          { reason: hostile },
          { text: hostile },
        ]
        for (const query of queries) expect((await search.search(query)).items).toEqual([])
      }),
      { numRuns: 50 },
    )
  })

  test('a record with whatever in it is kept, listed, and disturbs no other', async () => {
    const file = await archive()
    const json = fc.sample(fc.jsonValue({ maxDepth: 3 }), { numRuns: 60, seed: 3 })
    for (const value of json) {
      const odd: JsonObject = JSON.parse(
        JSON.stringify({ id: value, recipients: value, placements: value, remote: value }),
      )
      file.addLater(odd, { at: 1, counts: true })
    }
    for (let n = 0; n < 600; n++)
      put(file, recordOf(fc.sample(sample, { numRuns: 1, seed: n })[0]!, n))
    const search = new ArchiveTraceSearch(file)
    expect((await search.read('s599.1'))?.id).toBe('s599.1')
    expect(await everyPage(search, {}, 100)).toHaveLength(660)
  })

  test('what stands anywhere in a record is found by its text, without regard to case', async () => {
    const file = await archive()
    for (let n = 0; n < 20; n++)
      put(file, {
        ...recordOf(fc.sample(sample, { numRuns: 1 })[0]!, n),
        hello: `mail${n}."quoted".test`,
      })
    const search = new ArchiveTraceSearch(file)
    expect((await search.search({ text: 'MAIL7."Quoted"' })).items.map(({ id }) => id)).toEqual([
      's7.1',
    ])
  })

  test('a text is the same in an index as before one, whatever signs are in it', async () => {
    const signs = ['100%', 'a_b', 'wow!', 'back\\slash', 'ÜBER', "o'k", 'plain']
    const file = await archive()
    const [what] = fc.sample(sample, { numRuns: 1 })
    // Those of the first segment have an index, the last ones have none.
    const of = (n: number) => (n === 5 || n === 1195 ? `${signs.join(' ')} ${n}` : `100x axb ${n}`)
    for (let n = 0; n < 1200; n++) put(file, { ...recordOf(what!, n), hello: of(n) })
    const search = new ArchiveTraceSearch(file)
    for (const sign of signs) {
      const found = await everyPage(search, { text: sign.toLowerCase() }, 50)
      expect(found, sign).toEqual(['s1195.1', 's5.1'])
    }
  })

  test('a question that cannot be asked is told', async () => {
    const search = new ArchiveTraceSearch(await archive())
    for (const query of [
      { client: '192.0.2.0/33' },
      { client: 'mail.test' },
      { cursor: 'no cursor' },
    ]) {
      await expect(search.search(query)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    }
  })
})

describe('a live stream', () => {
  test('gets what is recorded after its cursor, each once and in order', async () => {
    const file = await archive()
    const search = new ArchiveTraceSearch(file)
    const what = fc.sample(sample, { numRuns: 1 })[0]!
    for (let n = 0; n < 5; n++) put(file, recordOf(what, n))
    let { items, next } = await search.newSince()
    expect(items).toEqual([])
    for (let n = 5; n < 12; n++) put(file, recordOf(what, n))
    const seen: string[] = []
    for (let round = 0; round < 4; round++) {
      ;({ items, next } = await search.newSince(next, 3))
      seen.push(...items.map(({ id }) => id))
    }
    expect(seen).toEqual(['s5.1', 's6.1', 's7.1', 's8.1', 's9.1', 's10.1', 's11.1'])
  })

  test('of many shows the last ones, and says how many there were besides', async () => {
    const samples = fc.sample(sample, { numRuns: 40, seed: 3 })
    const file = await archive()
    const search = new ArchiveTraceSearch(file)
    const add = (from: number, to: number): void => {
      for (let n = from; n < to; n++) put(file, recordOf(samples[n % samples.length]!, n))
    }
    add(0, 700)
    const { next } = await search.latest()
    expect(await search.latest(next)).toEqual({ items: [], more: 0, next })
    add(700, 2000)
    const { items, more, next: end } = await search.latest(next, 3)
    expect(items.map(({ id }) => id)).toEqual(['s1997.1', 's1998.1', 's1999.1'])
    expect(more).toBe(1297)
    expect((await search.latest(end, 3)).more).toBe(0)
  })

  test('shows those for some recipients alone, however much comes for others', async () => {
    const [what] = fc.sample(sample, { numRuns: 1 })
    const file = await archive()
    const search = new ArchiveTraceSearch(file)
    const mine = ['bob@quiet.test', 'cid@calm.test', 'dan@quiet.test']
    for (let n = 0; n < 900; n++) {
      const to = n % 100 === 50 ? [mine[Math.floor(n / 100) % 3]!] : ['eve@busy.test']
      put(file, recordOf({ ...what!, to }, n))
    }
    const of = ['@quiet.test', '@calm.test']
    const { items, more, next } = await search.latest('0', 2, of)
    expect(items.map(({ id }) => id)).toEqual(['s750.1', 's850.1'])
    expect(more).toBe(7)
    expect(await search.latest(next, 2, of)).toEqual({ items: [], more: 0, next })
    expect(await search.latest('0', 2, [])).toEqual({ items: [], more: 0, next })
  })
})

describe('the sums of how transactions ended', () => {
  test('are those of the records, with an index and without, from any place on', async () => {
    const samples = fc.sample(sample, { numRuns: 60, seed: 5 })
    const count = 1_400
    const memory = memoryArchive(describeRecord, { maxRecords: count })
    const file = await archive()
    for (let n = 0; n < count; n++) {
      for (const into of [file, memory]) put(into, recordOf(samples[n % samples.length]!, n))
    }
    // Written, and indexed.
    const real = new ArchiveTraceSearch(file)
    const naive = new ArchiveTraceSearch(memory)
    const { endedAt } = (await naive.search({ limit: 1 })).items[0]!
    const byEnding = ({ items }: Awaited<ReturnType<typeof real.endings>>) =>
      items.map((each) => JSON.stringify(each)).toSorted()
    for (const cursor of [undefined, '74', 's0', 'zz']) {
      for (const since of [0, endedAt - 300_000]) {
        for (const sliceMs of [10_000, 3_600_000]) {
          const asked = { sliceMs, since, ...(cursor === undefined ? {} : { cursor }) }
          expect(byEnding(await real.endings(asked))).toEqual(byEnding(await naive.endings(asked)))
        }
      }
    }
    for (const { cursor, outcome, hasReason } of (await real.endings({ sliceMs: 1e9, since: 0 }))
      .items) {
      const summary = await real.at(cursor)
      expect([summary?.outcome, summary?.reason !== undefined]).toEqual([outcome, hasReason])
    }
  })
})

describe('a live stream of a file that was replaced', () => {
  test('goes on with what the new one gets', async () => {
    const search = new ArchiveTraceSearch(await archive())
    const { next } = await search.newSince('zzz')
    const replaced = await archive()
    put(replaced, recordOf(fc.sample(sample, { numRuns: 1 })[0]!, 1))
    const { items } = await new ArchiveTraceSearch(replaced).newSince(next)
    expect(items.map(({ id }) => id)).toEqual(['s1.1'])
  })
})

describe('a story', () => {
  test('has the deliveries of its message, and no other', async () => {
    const file = await archive()
    put(file, {
      ...recordOf({ ...fc.sample(sample, { numRuns: 1 })[0]!, how: 'accepted' }, 1),
      queueIds: ['q1', 'q2'],
    })
    for (const queueId of ['q1', 'q2', 'q3']) {
      file.addLater(
        { queueId, recipient: 'ann@a.test', outcome: 'delivered', startedAt: 5, durationMs: 1 },
        { at: 5, counts: false },
      )
    }
    const search = new ArchiveTraceSearch(file)
    for (const which of ['q2', 's1.1', 's1', 'last']) {
      const story = await search.read(which)
      expect(story?.attempts.map(({ queueId }) => queueId)).toEqual(['q1', 'q2'])
    }
    expect(await search.read('q3')).toMatchObject({
      id: 'q3',
      via: 'queue',
      attempts: [{ queueId: 'q3' }],
    })
    const { items } = await search.deliveries({ recipient: 'a.test', limit: 2, order: 'oldest' })
    expect(items.map(({ queueId }) => queueId)).toEqual(['q1', 'q2'])
  })

  test('is told of each row of a page, and the courier of what nobody saw coming', async () => {
    const file = await archive()
    const [what] = fc.sample(sample, { numRuns: 1 })
    const delivered = (queueId: string, startedAt: number) =>
      file.addLater(
        { queueId, recipient: 'ann@a.test', outcome: 'delivered', startedAt, durationMs: 1 },
        { at: startedAt, counts: false },
      )
    // More than one segment; a delivery may be told of before the message is.
    for (let n = 0; n < 700; n++) {
      if (n % 2 === 1) delivered(`q${n}`, n)
      put(file, recordOf({ ...what!, how: n % 3 === 0 ? 'refused' : 'accepted' }, n))
      if (n % 2 === 0) delivered(`q${n}`, n)
    }
    delivered('unseen', 1)
    file.noteLater('c', { places: [], thresholds: {} })
    const search = new ArchiveTraceSearch(file)
    const { items } = await search.search({ limit: 1000 })
    const stories = await search.stories(items)
    expect(stories.map(({ id }) => id)).toEqual(items.map(({ id }) => id))
    for (const [at, { id, attempts, summary }] of stories.entries()) {
      expect(summary).toEqual(items[at])
      expect(attempts.map(({ queueId }) => queueId)).toEqual(
        summary.outcome === 'refused' ? [] : [id.replace('s', 'q').replace('.1', '')],
      )
    }
    expect(stories.slice(0, 5)).toEqual(
      await Promise.all(items.slice(0, 5).map(({ id }) => search.read(id))),
    )
    // A place that is no message's, or nobody's.
    const { newest } = await file.extent()
    expect(await search.stories([{ cursor: newest.toString(36) }])).toEqual([])
    expect(await search.stories([{ cursor: 'zzz' }])).toEqual([])
    const unseen = await search.storiesOfCourier(['unseen', 'nowhere'])
    expect(unseen).toMatchObject([{ id: 'unseen', attempts: [{ queueId: 'unseen' }] }])
    // Who was told of it is no recipient of it.
    file.addLater(
      { queueId: 'unseen', recipient: 'eve@b.test', outcome: 'told', startedAt: 2, durationMs: 0 },
      { at: 2, counts: false },
    )
    const [told] = await search.storiesOfCourier(['unseen'])
    expect(told?.recipients.map(({ address }) => address)).toEqual(['ann@a.test'])
    expect(told?.attempts.map(({ outcome }) => outcome)).toEqual(['delivered', 'told'])
  })
})
