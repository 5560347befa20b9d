import { expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { watcherOn } from './event-stream.ts'
import { EventTail, type Watcher } from './event-tail.ts'
import type { StreamedMessages } from './operations.ts'
import type { Scope } from './permissions.ts'
import type { Now } from './schemas/system.ts'

const now: Now = { at: 0, sliceMs: 1, slices: [], reasons: [], stale: false }
const silent: Watcher = {
  scope: { what: 'all' },
  transaction: () => true,
  more: () => true,
  now: () => true,
  beat: () => true,
}
const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log }
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a page that is opened anew while the store is asked does not make the tail ask twice as often', async () => {
  const clock = fakeClock()
  const answers: ((answer: StreamedMessages) => void)[] = []
  const since = () => new Promise<StreamedMessages>((resolve) => answers.push(resolve))
  const tail = new EventTail({ since, now: async () => now }, clock, log)
  const stop = tail.watch(silent)
  clock.advance(0)
  stop?.()
  tail.watch({ ...silent })
  clock.advance(0)
  for (const answer of answers.splice(0)) answer({ items: [], more: 0, next: '1' })
  await settled()
  clock.advance(1_000)
  expect(answers).toHaveLength(1)
  tail.close()
})

test('a reader that does not keep up is hung up on, not waited for', () => {
  const done: string[] = []
  const out = {
    writableLength: (1 << 20) + 1,
    writableEnded: false,
    write: () => true,
    end: () => done.push('end'),
    destroy: () => done.push('destroy'),
  }
  expect(watcherOn(out, { what: 'all' }, () => true).now(now)).toBe(false)
  expect(done).toEqual(['destroy'])
})

test('of a flood the last ones are shown, and how many there were besides', async () => {
  const clock = fakeClock()
  const message = { id: 't' } as StreamedMessages['items'][number]
  const told: string[] = []
  const since = async (cursor: string | undefined, limit: number): Promise<StreamedMessages> =>
    cursor === undefined
      ? { items: [], more: 0, next: '1000' }
      : {
          items: Array.from({ length: limit }, () => message),
          more: 5000,
          next: `${Number(cursor) + 1000}`,
        }
  const tail = new EventTail({ since, now: async () => now }, clock, log)
  tail.watch({
    ...silent,
    transaction: (_, id) => told.push(id ?? '-') > 0,
    more: (count) => told.push(`${count} more`) > 0,
  })
  for (const ms of [0, 1_000, 1_000]) {
    clock.advance(ms)
    await settled()
  }
  tail.close()
  const second = (mark: string) => ['5000 more', ...Array.from({ length: 19 }, () => '-'), mark]
  expect(told).toEqual([...second('2000'), ...second('3000')])
})

test('a busy neighbour takes no place in the stream of an administrator of domains', async () => {
  const clock = fakeClock()
  const asked: (readonly [cursor: string | undefined, scope: Scope])[] = []
  const message = (id: string) => ({ id }) as StreamedMessages['items'][number]
  const since = async (cursor: string | undefined, _: number, scope: Scope) => {
    asked.push([cursor, scope])
    if (cursor === undefined) return { items: [], more: 0, next: 'now' }
    if (scope.what === 'all') return { items: [message('busy.test')], more: 5000, next: 'all' }
    return { items: [message('quiet.test')], more: 0, next: 'theirs' }
  }
  const tail = new EventTail({ since, now: async () => now }, clock, log)
  const told: string[] = []
  const watcher = (scope: Scope, name: string): Watcher => ({
    ...silent,
    scope,
    transaction: ({ id }) => told.push(`${name} ${id}`) > 0,
    more: (count) => told.push(`${name} ${count} more`) > 0,
  })
  const domains: Scope = { what: 'domains', domains: ['quiet.test'] }
  tail.watch(watcher({ what: 'all' }, 'operator'))
  const stops = ['dora', 'dirk'].map((name) => tail.watch(watcher(domains, name)))
  for (const ms of [0, 1_000]) {
    clock.advance(ms)
    await settled()
  }
  expect(told).toEqual([
    'operator 5000 more',
    'operator busy.test',
    'dora quiet.test',
    'dirk quiet.test',
  ])
  // Who sees the same is asked for once, and who is gone not at all.
  expect(asked).toHaveLength(4)
  expect(tail.size).toBe(3)
  for (const stop of stops) stop?.()
  clock.advance(1_000)
  await settled()
  expect(asked.slice(4)).toEqual([['all', { what: 'all' }]])
  tail.close()
})
