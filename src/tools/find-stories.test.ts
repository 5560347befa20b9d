import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Attempt } from '../filter/attempts.ts'
import type { JsonObject } from '../mail/json.ts'
import { queueId } from '../queue/queue-id.ts'
import { findStories, isDone } from './find-stories.ts'
import { openTraces } from './open-traces.ts'
import { silentLog } from './silent-log.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-stories-'))
  mkdirSync(join(folder, 'control'))
  writeFileSync(join(folder, 'control/me'), 'mx.test\n')
  writeFileSync(
    join(folder, 'postern.yaml'),
    `listeners: [{ name: mx, listen: '127.0.0.1:2525' }]\nchain: []\nspool: { path: ${folder}/spool }\n` +
      `store: { path: ${folder}/store.db }\ntraces: { path: ${folder}/traces.db }\n`,
  )
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const bob = 'bob@b.test'
const at = (n: number): number => Date.UTC(2026, 0, 1) + n * 1000

function transaction(n: number): JsonObject {
  return {
    version: 1,
    id: `s${n}.1`,
    session: `s${n}`,
    chain: 'c',
    at: at(n),
    endedAt: at(n) + 5,
    listener: 'mx',
    remote: `192.0.2.${n}:4000`,
    reversePath: '<ann@a.test>',
    recipients: [[bob, 1]],
    stage: 'message',
    messageId: `${n}@a.test`,
    end: 'committed',
    queueIds: [queueId(n)],
    reply: [250, '2.0.0', 'Ok'],
  }
}

function attempt(n: number, id = queueId(n)): JsonObject {
  return { queueId: id, recipient: bob, outcome: 'delivered', startedAt: at(n) + 9, durationMs: 1 }
}

/** Thirty transactions; of a message in the middle and of an old one only the courier has told. */
async function record(triesOfTheLast = 1): Promise<void> {
  const path = join(folder, 'traces.db')
  const bounds = { maxRecords: 1000, maxAgeMs: Infinity, maxBytes: 1e9 }
  const traces = await openTraces({ path, ...bounds, headBytes: 0, answers: true }, silentLog)
  for (let n = 0; n < 30; n++) {
    traces.addLater(transaction(n), { at: at(n), counts: true })
    for (let tries = n === 29 ? triesOfTheLast : 1; tries > 0; tries--) {
      traces.addLater(attempt(n), { at: at(n), counts: false })
    }
    if (n === 3 || n === 25) {
      const alone = attempt(n, `alone${n}`)
      traces.addLater(alone, { at: Number(alone['startedAt']), counts: false })
    }
  }
  await traces.close()
}

const asked = (which: string, more: { readonly since?: number; readonly limit?: number } = {}) =>
  findStories(folder, { which, whole: 3, limit: 10, ...more })

describe('whatever somebody has in hand', () => {
  test.each([
    ['a queue id', queueId(7)],
    ['a transaction', 's7.1'],
    ['a session', 's7'],
    ['a Message-ID', '<7@a.test>'],
    ['a Message-ID without its brackets', '7@a.test'],
    ['a client', '192.0.2.7'],
  ])('%s finds the message with its delivery', async (_, which) => {
    await record()
    const { stories, others, more } = await asked(which)
    expect(stories).toMatchObject([{ id: 's7.1', attempts: [{ queueId: queueId(7) }] }])
    expect({ others, more }).toEqual({ others: [], more: false })
  })

  test('nothing is found in a file that the gateway has just begun', async () => {
    writeFileSync(join(folder, 'traces.db'), '')
    expect(await asked('last')).toEqual({ stories: [], others: [], more: false })
  })

  test('what brought nobody is found by its id', async () => {
    await record()
    expect(await asked('alone3')).toMatchObject({ stories: [{ id: 'alone3', via: 'queue' }] })
    expect(await asked('nobody@nowhere.test')).toMatchObject({ stories: [] })
  })
})

describe('of an address', () => {
  test('the newest are told, older ones listed, with those that no session brought', async () => {
    await record()
    const found = await asked(bob)
    expect(found.stories.map(({ id }) => id)).toEqual(['s29.1', 's28.1', 's27.1'])
    expect(found.others.slice(0, 3).map(({ id }) => id)).toEqual(['s26.1', 'alone25', 's25.1'])
    // It is older than the last that is listed.
    expect(found.others.map(({ id }) => id)).not.toContain('alone3')
    expect(found.more).toBe(true)
  })

  test('where all are listed, all that no session brought are too', async () => {
    await record()
    const { others, more } = await asked(bob, { limit: 50 })
    expect(others.map(({ id }) => id)).toEqual(expect.arrayContaining(['alone3', 'alone25']))
    expect(more).toBe(false)
  })

  test('what no session brought is found behind many newer tries of other messages', async () => {
    await record(300)
    const { others, more } = await asked(bob, { limit: 50 })
    expect(others.map(({ id }) => id)).toContain('alone3')
    expect(more).toBe(false)
  })

  test('nothing is told of before the time that was asked for', async () => {
    await record()
    const { stories, others } = await asked(bob, { limit: 50, since: at(20) })
    const ids = [...stories, ...others].map(({ id }) => id)
    expect(ids).toContain('alone25')
    expect(ids).not.toContain('alone3')
    expect(ids).not.toContain('s19.1')
  })
})

test('a story follows what came of it, each message once, and no further than anybody reads', async () => {
  const path = join(folder, 'traces.db')
  const bounds = { maxRecords: 1000, maxAgeMs: Infinity, maxBytes: 1e9 }
  const traces = await openTraces({ path, ...bounds, headBytes: 0, answers: true }, silentLog)
  const keep = (what: JsonObject): void =>
    traces.addLater(what, { at: Number(what['startedAt']), counts: false })
  traces.addLater(transaction(1), { at: at(1), counts: true })
  keep({ ...attempt(1), ledTo: ['copy', 'forgotten'] })
  // A loop, and more than anybody wants to read.
  const many = Array.from({ length: 100 }, (_, n) => `many${n}`)
  keep({ ...attempt(2, 'copy'), outcome: 'failed', ledTo: [queueId(1), 'copy', ...many] })
  for (const id of many) keep({ ...attempt(3, id), recipient: `${id}@c.test` })
  await traces.close()
  const { stories } = await asked('s1.1')
  const followUps = stories[0]?.followUps ?? []
  expect(followUps.slice(0, 4)).toMatchObject([
    { id: 'copy', recipients: [bob], attempts: [{ outcome: 'failed' }] },
    { id: 'forgotten', recipients: [], attempts: [] },
    { id: 'many0', recipients: ['many0@c.test'] },
    { id: 'many1', recipients: ['many1@c.test'] },
  ])
  expect(followUps).toHaveLength(20)
})

test('a copy that waits is not over because its recipient, the sender, was told of another one', () => {
  const attempts = (...tries: readonly [recipient: string, outcome: Attempt['outcome']][]) =>
    tries.map(([recipient, outcome]): Attempt => {
      const what = { queueId: 'q', recipient, outcome, route: 'r', status: '', text: '' }
      return { ...what, startedAt: at(0), durationMs: 1 }
    })
  const waiting = attempts(['ann@a.test', 'deferred'], [bob, 'failed'], ['ann@a.test', 'told'])
  expect(isDone({ queueIds: ['q'], attempts: waiting })).toBe(false)
  const over = [...waiting, ...attempts(['ann@a.test', 'delivered'])]
  expect(isDone({ queueIds: ['q'], attempts: over })).toBe(true)
})
