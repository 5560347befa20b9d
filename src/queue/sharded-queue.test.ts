import { describe, expect, test } from 'vitest'
import {
  claimOf,
  deferred,
  delivered,
  inTime,
  listed,
  nextTurn,
  put,
  quiet,
  spoolPath,
  text,
} from '../../test/fixtures/spool.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { openShards } from './open-shards.ts'
import { readShards } from './read-spool.ts'
import { shardPath, shardsOf, shareShards } from './shards.ts'

function shardsUnderTest() {
  const disk = fakeDisk()
  const clock = fakeClock()
  const log = recordingLog()
  const doors = { disk, clock, log, random: seededRandom(1) }
  const options = { ...doors, path: spoolPath, segmentBytes: 16_384, inlineBytes: 4_096 }
  return { disk, clock, open: (...shards: [number, ...number[]]) => openShards(options, shards) }
}

const subjects = (whole: readonly { message: { header: { first(name: string): unknown } } }[]) =>
  whole.map(({ message }) => message.header.first('subject'))

/** What a promise was rejected with. */
async function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('a spool in shards', () => {
  test('takes mail into the first and lets it leave from all, oldest first', async () => {
    const { disk, clock, open } = shardsUnderTest()
    const second = await open(1)
    const { ids } = await put(second.queue, text('stranded'))
    await second.queue.close()
    clock.advance(10)
    const { queue } = await open(0, 1)
    await put(queue, text('new'))
    expect(queue.size).toBe(2)
    expect(queue.due(clock.now(), 10)).toHaveLength(2)
    expect(queue.due(clock.now(), 1).map(({ id }) => id)).toEqual(ids)
    expect(subjects((await listed(queue.entries())).whole)).toEqual(['stranded', 'new'])
    await quiet(disk)
    expect(subjects((await listed(readShards(disk, spoolPath))).whole)).toEqual(['stranded', 'new'])
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [delivered], 0))
    await queue.close()
    const again = await open(1)
    expect(again.queue.size).toBe(0)
    await again.queue.close()
  })

  test('settles and gives back a claim where the message lies', async () => {
    const { clock, open } = shardsUnderTest()
    const second = await open(1)
    const { ids } = await put(second.queue, text('one'))
    await second.queue.close()
    const { queue } = await open(0, 1)
    await queue.release(await claimOf(queue, ids[0]), clock.now())
    const retryAt = clock.now() + 60_000
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [deferred], retryAt))
    expect(queue.nextDueAt()).toBe(retryAt)
    expect(await queue.claim('00000000001')).toBeUndefined()
    expect(await queue.change({}, 'remove')).toBe(1)
    await queue.close()
  })

  test('tells whoever waits for what is due of a shard that is taken over later', async () => {
    const { open } = shardsUnderTest()
    const lost = await open(3)
    await put(lost.queue, text('one'))
    await lost.queue.close()
    const worker = await open(0)
    const { queue } = worker
    let told = 0
    const unsubscribe = queue.onDue(() => told++)
    expect(worker.numbers).not.toContain(3)
    await worker.adopt(3)
    expect(worker.numbers).toContain(3)
    expect(told).toBe(1)
    await queue.change({}, 'retry')
    await nextTurn()
    expect(told).toBe(2)
    unsubscribe()
    await queue.change({}, 'retry')
    await nextTurn()
    expect(told).toBe(2)
    await queue.close()
  })

  test('waits for a moment for who was killed a moment ago, and is refused by who is at work', async () => {
    const { clock, open } = shardsUnderTest()
    const first = await open(0)
    expect(await inTime(clock, refusal(open(0)))).toMatchObject({ code: 'SPOOL_LOCKED' })
    const third = open(0)
    await first.queue.close()
    await (await inTime(clock, third)).queue.close()
  })

  test('opens all of its shards or none', async () => {
    const { clock, open } = shardsUnderTest()
    const other = await open(1)
    expect(await inTime(clock, refusal(open(0, 1)))).toMatchObject({ code: 'SPOOL_LOCKED' })
    await (await open(0)).queue.close()
    await other.queue.close()
  })

  test('knows its shards by their folders', async () => {
    const { disk, open } = shardsUnderTest()
    expect(await shardsOf(disk, spoolPath)).toEqual([0])
    for (const shard of [11, 2]) await (await open(shard)).queue.close()
    expect(await shardsOf(disk, spoolPath)).toEqual([0, 2, 11])
    expect(shardPath(spoolPath, 0)).toBe(spoolPath)
  })
})

test('every shard that was ever made has a worker, whatever their number is now', () => {
  expect(shareShards([0], 1)).toEqual([[0]])
  expect(shareShards([0, 1, 2, 3, 4, 5], 2)).toEqual([
    [0, 2, 4],
    [1, 3, 5],
  ])
  expect(shareShards([0, 5], 3)).toEqual([[0], [1], [2, 5]])
})
