import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Archive, ArchiveBounds } from '../runtime/archive.ts'
import { openArchive } from '../runtime/node/archive.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { memoryArchive } from '../testkit/memory-archive.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { countShadows } from './count-shadows.ts'
import { describeRecord } from './describe-record.ts'

const describer = new URL('./describe-record.ts', import.meta.url)
const places = [
  ['mail', 'spf', 'spf', false],
  ['rcpt', 'strict', 'recipients', true],
  ['message', 'scorer', 'spamassassin', true],
]
const ends = [
  ['committed', 'accepted'],
  ['refused', 'refused'],
  ['reset', 'givenUp'],
] as const

let folder = ''
let archive: Archive | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-shadows-'))
})

afterEach(async () => {
  await archive?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(bounds: Partial<ArchiveBounds> = {}): Promise<Archive> {
  const plenty = { maxRecords: 1e6, maxAgeMs: Infinity, maxBytes: Infinity }
  const parts = { path: join(folder, 'traces.db'), clock: systemClock, log: recordingLog() }
  return (archive = await openArchive({ ...parts, describer, bounds: { ...plenty, ...bounds } }))
}

/** The same whether its head names its shadows or not. */
function put(into: Archive, n: number, how: 'named' | 'stepwise'): void {
  const strict = n % 4 === 0
  const [end, fate] = ends[n % 3] ?? ends[0]
  const shadows: JsonValue = [
    strict ? ['strict', ['reject', `R${n % 7}`, fate]] : ['strict'],
    ...(n % 2 === 0
      ? [['scorer', n % 10 === 0 ? ['fault', 'timeout', fate] : ['score', 'SPAM', fate]]]
      : []),
  ]
  const said = {
    at: 1,
    round: 1,
    verdict: { verdict: 'reject', status: '5.7.1', reason: `R${n % 7}` },
  }
  const scored = { at: 2, verdict: { verdict: 'pass', score: 3, reason: 'SPAM' } }
  const failed = { at: 2, verdict: { verdict: 'pass' }, fault: ['timeout', 'too late'] }
  const steps = [
    [0, 5],
    [1, 7, strict ? said : 1],
    ...(n % 2 === 0 ? [[2, 9, n % 10 === 0 ? failed : scored]] : []),
  ]
  const head: JsonObject = {
    version: how === 'named' ? 2 : 1,
    id: `s${n}.1`,
    session: `s${n}`,
    chain: 'c',
    remote: '192.0.2.1:4000',
    recipients: [['bob@a.test', 1]],
    stage: 'message',
    end,
    ...(how === 'named' ? { shadows } : {}),
  }
  into.addLater(head, { at: n * 1000, counts: true, detail: () => JSON.stringify({ steps }) })
}

test('a store counts as every step read does, of earlier versions, of this one, and of both in one segment', async () => {
  const plain = memoryArchive(describeRecord, { maxRecords: 10_000 })
  const real = await open()
  for (const into of [plain, real]) into.noteLater('c', { places, thresholds: {} })
  for (let n = 0; n < 1600; n++) {
    put(plain, n, 'stepwise')
    put(real, n, n < 700 ? 'stepwise' : 'named')
  }
  for (const since of [0, 1_100_000]) {
    const asked = { since, examples: 3 }
    const found = await countShadows(real, asked)
    expect(found).toEqual(await countShadows(plain, asked))
    expect(found.transactions).toBe(1600 - since / 1000)
  }
})

test('what a full segment has let go of is not counted any more', async () => {
  const real = await open({ maxRecords: 700 })
  real.noteLater('c', { places, thresholds: {} })
  for (let n = 0; n < 1300; n++) put(real, n, 'named')
  await real.close()
  const { transactions, entries } = await countShadows(await open({ maxRecords: 700 }), {
    since: 0,
    examples: 1,
  })
  expect([transactions, entries[1]?.asked]).toEqual([700, 700])
})
