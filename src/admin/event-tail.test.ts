import { expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { watcherOn } from './event-stream.ts'
import { EventTail, type Watcher } from './event-tail.ts'
import type { StreamedMessages } from './operations.ts'
import type { Now } from './schemas/system.ts'

const now: Now = { at: 0, sliceMs: 1, slices: [], reasons: [], stale: false }
const silent: Watcher = { transaction: () => true, now: () => true, beat: () => true }
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
  for (const answer of answers.splice(0)) answer({ items: [], next: '1' })
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

test('a flood is skipped, so that what is shown is what happens now', async () => {
  const clock = fakeClock()
  const asked: (string | undefined)[] = []
  const message = { id: 't' } as StreamedMessages['items'][number]
  const since = async (cursor: string | undefined, limit: number): Promise<StreamedMessages> => {
    asked.push(cursor)
    return cursor === undefined
      ? { items: [], next: `${asked.length}000` }
      : { items: Array.from({ length: limit }, () => message), next: 'behind' }
  }
  const marks: string[] = []
  const tail = new EventTail({ since, now: async () => now }, clock, log)
  tail.watch({
    ...silent,
    transaction: (_, id) => {
      if (id !== undefined) marks.push(id)
      return true
    },
  })
  for (const ms of [0, 1_000, 1_000]) {
    clock.advance(ms)
    await settled()
  }
  tail.close()
  expect(asked).toEqual([undefined, '1000', undefined, '3000', undefined])
  expect(marks).toEqual(['3000', '5000'])
})
