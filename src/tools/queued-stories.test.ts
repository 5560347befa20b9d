import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { JsonObject } from '../mail/json.ts'
import { openSpool } from '../queue/open-spool.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { findStories } from './find-stories.ts'
import { openTraces } from './open-traces.ts'
import { silentLog } from './silent-log.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-queued-'))
  mkdirSync(join(folder, 'control'))
  writeFileSync(join(folder, 'control/me'), 'mx.test\n')
  writeFileSync(
    join(folder, 'postern.yaml'),
    `listeners: [{ name: mx, listen: '127.0.0.1:2525' }]\nchain: []\nspool: { path: ${folder}/spool }\n` +
      `store: { path: ${folder}/store.db }\ntraces: { path: ${folder}/traces.db }\n`,
  )
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** @returns the ids of so many messages from Ann to Bob, promised and on the disk */
async function queued(count: number): Promise<readonly string[]> {
  const parts = { disk: systemDisk, clock: systemClock, random: systemRandom, log: silentLog }
  const queue = await openSpool({ ...parts, path: join(folder, 'spool') })
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const draft = queue.begin()
    await draft.write(Buffer.from('Subject: hello\r\n\r\nhello\r\n'))
    await draft.end()
    const envelope = {
      reversePath: { localPart: 'ann', domain: 'a.test' },
      recipients: [{ mailbox: { localPart: 'bob', domain: 'b.test' } }],
      bodyType: '7bit',
      smtputf8: false,
      requireTls: false,
    } as const
    const receipt = await draft.commit([{ envelope, disposition: 'deliver', headerEdits: [] }])
    ids.push(...receipt.ids)
  }
  await queue.close()
  return ids
}

/** What the traces have of a message that came in at a time of 2026. */
async function recorded(...messages: readonly (readonly [queueId: string, second: number])[]) {
  const path = join(folder, 'traces.db')
  const bounds = { maxRecords: 1000, maxAgeMs: Infinity, maxBytes: 1e9 }
  const traces = await openTraces({ path, ...bounds, headBytes: 0, answers: true }, silentLog)
  for (const [id, second] of messages) {
    const at = Date.UTC(2026, 0, 1) + second * 1000
    const record: JsonObject = {
      version: 1,
      id: `s${id}.1`,
      session: `s${id}`,
      chain: 'c',
      at,
      endedAt: at,
      listener: 'mx',
      remote: '192.0.2.1:4000',
      reversePath: '<ann@a.test>',
      recipients: [['bob@b.test', 1]],
      stage: 'message',
      end: 'committed',
      queueIds: [id],
      reply: [250, '2.0.0', 'Ok'],
    }
    traces.addLater(record, { at, counts: true })
  }
  await traces.close()
}

const asked = (which: string, more: { readonly since?: number; readonly limit?: number } = {}) =>
  findStories(folder, { which, whole: 3, limit: 10, ...more })

describe('a queued message of which nothing is recorded', () => {
  test.each(['bob@b.test', '<Bob@B.test>', 'ann@a.test', 'b.test'])(
    'is found by %s, with traces and without any',
    async (which) => {
      const [id = ''] = await queued(1)
      const found = { id, queued: [{ id, tries: 0, recipients: [{ address: 'bob@b.test' }] }] }
      expect((await asked(which)).stories).toMatchObject([found])
      await recorded(['elsewhere', 1])
      const { stories } = await asked(which)
      expect(stories).toMatchObject([found, { id: 'selsewhere.1', queued: [] }])
    },
  )

  test('is told once, beside those of which there is a record', async () => {
    const [first = '', second = '', third = ''] = await queued(3)
    await recorded([first, 1], [third, 2])
    const { stories } = await asked('bob@b.test')
    expect(stories.map(({ id }) => id)).toEqual([second, `s${third}.1`, `s${first}.1`])
    expect(stories.map((story) => story.queued.map(({ id }) => id))).toEqual([
      [second],
      [third],
      [first],
    ])
    // The record of the first is older than what is listed.
    const { stories: newest, more } = await asked('bob@b.test', { limit: 1 })
    expect(newest.map(({ id }) => id)).not.toContain(first)
    expect(more).toBe(true)
  })

  test('is told with the pause that keeps it', async () => {
    await queued(1)
    const isPaused = async () => (await asked('bob@b.test')).stories[0]?.queued[0]?.paused
    expect(await isPaused()).toBe(false)
    for (const [scope, paused] of [
      [{ what: 'all' }, true],
      [{ what: 'domain', name: 'b.test' }, true],
      [{ what: 'from', name: '@elsewhere.test' }, false],
    ] as const) {
      writeFileSync(join(folder, 'spool/paused'), JSON.stringify([scope]))
      expect([scope.what, await isPaused()]).toEqual([scope.what, paused])
    }
  })

  test('is not told of before the time that was asked for, nor to who asks for somebody else', async () => {
    await queued(1)
    expect((await asked('bob@b.test', { since: Date.now() + 60_000 })).stories).toEqual([])
    expect((await asked('eve@b.test')).stories).toEqual([])
  })
})
