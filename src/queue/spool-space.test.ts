import { describe, expect, test } from 'vitest'
import {
  bytesOf,
  claimOf,
  deferred,
  delivered,
  envelopeTo,
  inTime,
  listed,
  placement,
  put,
  quiet,
  spoolPath,
  spoolUnderTest,
  text,
  type SpoolUnderTest,
} from '../../test/fixtures/spool.ts'
import type { FakeDisk } from '../testkit/fake-disk.ts'

const segmentBytes = 16_384

async function usedBytes(disk: FakeDisk): Promise<number> {
  let used = 0
  for (const name of await disk.list(`${spoolPath}/log`)) {
    used += disk.bytes(`${spoolPath}/log/${name}`).length
  }
  return used
}

async function passThrough({ queue, clock }: SpoolUnderTest, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { ids } = await put(queue, text(`passing ${i}`, 3_000))
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [delivered], 0))
  }
}

describe('space in the log', () => {
  test('is used again as messages leave: ten times the log needs no more than the log', async () => {
    const spool = await spoolUnderTest()
    await passThrough(spool, 30)
    await quiet(spool.disk)
    const after30 = await usedBytes(spool.disk)
    const created = spool.disk.operations.filter(({ kind }) => kind === 'create').length
    await passThrough(spool, 100)
    await quiet(spool.disk)
    expect(await usedBytes(spool.disk)).toBeLessThanOrEqual(after30)
    expect(after30).toBeLessThanOrEqual(4 * segmentBytes)
    expect(spool.disk.operations.filter(({ kind }) => kind === 'create')).toHaveLength(created)
  })

  test('is not pinned by a message that stays, which is copied forward as far as it has come', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock, disk } = spool
    const envelope = envelopeTo('one', 'two')
    const stays = await put(queue, text('stays', 2_000), [
      placement({ envelope }),
      placement({ disposition: 'hold', reason: 'odd' }),
      placement(),
    ])
    const claim = await claimOf(queue, stays.ids[0])
    const retryAt = clock.now() + 86_400_000
    await inTime(clock, queue.settle(claim, [delivered, deferred], retryAt))
    const leaves = await claimOf(queue, stays.ids[2]!)
    await inTime(clock, queue.settle(leaves, [delivered], 0))
    const large = await put(queue, text('large', 9_000), [placement({ disposition: 'hold' })])
    await passThrough(spool, 100)
    await quiet(disk)
    expect(await usedBytes(disk)).toBeLessThanOrEqual(9 * segmentBytes)
    const again = await spool.reopened()
    const { whole } = await listed(again.queue.entries())
    expect(whole.map(({ id }) => id)).toEqual([stays.ids[0], stays.ids[1], large.ids[0]])
    expect(whole[0]).toMatchObject({
      envelope,
      dueAt: retryAt,
      tries: 1,
      recipients: [
        { state: 'delivered', text: 'ok' },
        { state: 'deferred', text: 'busy', tries: 1 },
      ],
    })
    expect(whole[1]).toMatchObject({ held: true, reason: 'odd' })
    expect((await bytesOf(whole[1]!.message)).toString()).toBe(text('stays', 2_000))
    expect((await bytesOf(whole[2]!.message)).toString()).toBe(text('large', 9_000))
  })

  test('is bounded while nothing leaves, however often a message is tried', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock, disk } = spool
    const { ids } = await put(queue, text('stays', 2_000))
    const busy = { ...deferred, text: 'busy'.repeat(500) }
    for (let i = 0; i < 400; i++) {
      await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [busy], clock.now()))
    }
    await quiet(disk)
    expect(await usedBytes(disk)).toBeLessThanOrEqual(9 * segmentBytes)
  })

  test('moves under a message that is being delivered, which is settled all the same', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock } = spool
    const { ids } = await put(queue, text('slow', 2_000))
    const listedBefore = await listed(queue.entries())
    const claim = await claimOf(queue, ids[0])
    await passThrough(spool, 100)
    expect((await bytesOf(claim.entry.message)).toString()).toBe(text('slow', 2_000))
    expect((await bytesOf(listedBefore.whole[0]!.message)).toString()).toBe(text('slow', 2_000))
    await inTime(clock, queue.settle(claim, [delivered], 0))
    expect((await spool.reopened()).queue.size).toBe(0)
  })

  test('is bounded however often the gateway is started', async () => {
    let spool = await spoolUnderTest()
    for (let start = 0; start < 30; start++) {
      await put(spool.queue, text(`start ${start}`), [placement({ disposition: 'hold' })])
      await quiet(spool.disk)
      spool = await spoolUnderTest({ disk: spool.disk.afterKill(), clock: spool.clock })
    }
    expect(spool.queue.size).toBe(30)
    await spool.queue.change({}, 'remove')
    await quiet(spool.disk)
    spool = await spool.reopened()
    await passThrough(spool, 20)
    expect(await usedBytes(spool.disk)).toBeLessThanOrEqual(6 * segmentBytes)
  })

  test('holds a record that is larger than a segment', async () => {
    const spool = await spoolUnderTest({}, { segmentBytes: 2_048, inlineBytes: 8_192 })
    const { ids } = await put(spool.queue, text('larger', 7_000))
    await put(spool.queue, text('next'))
    const again = await spool.reopened()
    const { entry } = await claimOf(again.queue, ids[0])
    expect((await bytesOf(entry.message)).toString()).toBe(text('larger', 7_000))
    expect(again.queue.size).toBe(2)
  })
})
