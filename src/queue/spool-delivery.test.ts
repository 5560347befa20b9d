import { describe, expect, test } from 'vitest'
import {
  claimOf,
  deferred,
  delivered,
  envelopeTo,
  failed,
  inTime,
  listed,
  nextTurn,
  placement,
  put,
  quiet,
  spoolPath,
  spoolUnderTest,
  text,
} from '../../test/fixtures/spool.ts'

const minute = 60_000

describe('what is due', () => {
  test('is named oldest due first, without what is claimed or held', async () => {
    const { queue, clock } = await spoolUnderTest()
    const ids: string[] = []
    for (const subject of ['a', 'b', 'c']) {
      ids.push((await put(queue, text(subject))).ids[0])
      clock.advance(1)
    }
    await put(queue, text('held'), [placement({ disposition: 'hold' })])
    expect(queue.due(clock.now(), 10).map(({ id }) => id)).toEqual(ids)
    expect(queue.due(clock.now(), 2).map(({ id }) => id)).toEqual(ids.slice(0, 2))
    const claim = await claimOf(queue, ids[0]!)
    expect(queue.due(clock.now(), 10).map(({ id }) => id)).toEqual(ids.slice(1))
    await queue.release(claim, clock.now() - minute)
    expect(queue.due(clock.now(), 1).map(({ id }) => id)).toEqual(ids.slice(0, 1))
    expect(queue.due(clock.now() - minute, 9).map(({ id }) => id)).toEqual(ids.slice(0, 1))
  })

  test('is announced once, from the event loop, when something becomes due', async () => {
    const { queue, clock } = await spoolUnderTest()
    let calls = 0
    const unsubscribe = queue.onDue(() => calls++)
    await Promise.all([put(queue, text('a')), put(queue, text('b'))])
    expect(calls).toBe(0)
    await nextTurn()
    expect(calls).toBe(1)
    const held = await put(queue, text('held'), [placement({ disposition: 'hold' })])
    for (const { id } of queue.due(clock.now(), 9)) await queue.claim(id)
    await nextTurn()
    calls = 0
    await queue.change({ ids: held.ids }, 'release')
    await nextTurn()
    expect(calls).toBe(1)
    unsubscribe()
    await put(queue, text('c'))
    await nextTurn()
    expect(calls).toBe(1)
  })

  test('next is known without asking for it', async () => {
    const { queue, clock } = await spoolUnderTest()
    expect(queue.nextDueAt()).toBeUndefined()
    const { ids } = await put(queue, text('a'))
    expect(queue.nextDueAt()).toBe(clock.now())
    const claim = await claimOf(queue, ids[0])
    expect(queue.nextDueAt()).toBeUndefined()
    await inTime(clock, queue.settle(claim, [deferred], clock.now() + 5 * minute))
    expect(queue.nextDueAt()).toBeGreaterThan(clock.now() + 4 * minute)
  })
})

describe('a claim', () => {
  test('is given to one only, and not for what is gone or held', async () => {
    const { queue } = await spoolUnderTest()
    const { ids } = await put(queue, text('a'))
    const held = await put(queue, text('h'), [placement({ disposition: 'hold' })])
    expect(await queue.claim(ids[0])).toBeDefined()
    expect(await queue.claim(ids[0])).toBeUndefined()
    expect(await queue.claim(held.ids[0])).toBeUndefined()
    expect(await queue.claim('00000000000')).toBeUndefined()
    expect(await queue.claim('no id at all')).toBeUndefined()
  })

  test('covers the recipients that are still open', async () => {
    const { queue, clock } = await spoolUnderTest()
    const envelope = envelopeTo('one', 'two', 'three', 'four')
    const { ids } = await put(queue, text('a'), [placement({ envelope })])
    const first = await claimOf(queue, ids[0])
    expect(first.recipientIndexes).toEqual([0, 1, 2, 3])
    const results = [delivered, deferred, failed, deferred]
    await inTime(clock, queue.settle(first, results, clock.now()))
    const second = await claimOf(queue, ids[0])
    expect(second.recipientIndexes).toEqual([1, 3])
    expect(second.recipients.map(({ mailbox }) => mailbox.localPart)).toEqual(['two', 'four'])
    expect(second.entry.tries).toBe(1)
    expect(second.entry.recipients).toEqual([
      { state: 'delivered', text: 'ok' },
      { state: 'deferred', text: 'busy', tries: 1 },
      { state: 'failed', text: 'nobody here' },
      { state: 'deferred', text: 'busy', tries: 1 },
    ])
  })

  test('leaves alone who is due later, also after a restart', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock } = spool
    const { ids } = await put(queue, text('a'), [placement({ envelope: envelopeTo('one', 'two') })])
    const first = await claimOf(queue, ids[0])
    const born = clock.now()
    const times = [born + 10 * minute, born + 20 * minute]
    await inTime(clock, queue.settle(first, [deferred, deferred], times))
    expect(queue.nextDueAt()).toBe(times[0])
    clock.advance(10 * minute)
    const again = await spool.reopened()
    const second = await claimOf(again.queue, ids[0])
    expect(second.recipientIndexes).toEqual([0])
    await inTime(clock, again.queue.settle(second, [delivered], clock.now()))
    expect(again.queue.nextDueAt()).toBe(times[1])
    clock.advance(10 * minute)
    expect((await claimOf(again.queue, ids[0])).recipientIndexes).toEqual([1])
  })

  test('covers everybody again once an operator wants the message tried', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock } = spool
    const { ids } = await put(queue, text('a'), [placement({ envelope: envelopeTo('one', 'two') })])
    const first = await claimOf(queue, ids[0])
    const times = [clock.now() + 10 * minute, clock.now() + 20 * minute]
    await inTime(clock, queue.settle(first, [deferred, deferred], times))
    await inTime(clock, queue.change({ ids: ids.slice() }, 'retry'))
    expect((await claimOf(queue, ids[0])).recipientIndexes).toEqual([0, 1])
    const again = await spool.reopened()
    expect((await claimOf(again.queue, ids[0])).recipientIndexes).toEqual([0, 1])
  })

  test('that an operator wants tried meanwhile is due again as soon as it is over, once', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock } = spool
    const { ids } = await put(queue, text('a'), [placement({ envelope: envelopeTo('one', 'two') })])
    const first = await claimOf(queue, ids[0])
    expect(await queue.change({ ids: ids.slice() }, 'retry')).toBe(1)
    const later = clock.now() + 10 * minute
    await inTime(clock, queue.settle(first, [deferred, deferred], [later, later + minute]))
    expect(queue.nextDueAt()).toBeLessThanOrEqual(clock.now())
    const again = await spool.reopened()
    const second = await claimOf(again.queue, ids[0])
    expect(second.recipientIndexes).toEqual([0, 1])
    await inTime(clock, again.queue.settle(second, [deferred, deferred], later))
    expect(again.queue.nextDueAt()).toBe(later)
  })

  test('that is given back untried does not hold up who is due before that', async () => {
    const { queue, clock } = await spoolUnderTest()
    const { ids } = await put(queue, text('a'), [placement({ envelope: envelopeTo('one', 'two') })])
    const times = [clock.now() + 10 * minute, clock.now() + 20 * minute]
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [deferred, deferred], times))
    clock.advance(10 * minute)
    const second = await claimOf(queue, ids[0])
    await queue.release(second, clock.now() + 60 * minute, 'volatile')
    expect(queue.nextDueAt()).toBe(times[1])
  })

  test('cannot be settled twice, nor with a result missing', async () => {
    const { queue, clock } = await spoolUnderTest()
    const { ids } = await put(queue, text('a'))
    const claim = await claimOf(queue, ids[0])
    await expect(queue.settle(claim, [], 0)).rejects.toThrow('one result')
    await inTime(clock, queue.settle(claim, [deferred], 0))
    await expect(queue.settle(claim, [deferred], 0)).rejects.toThrow('without being claimed')
  })
})

describe('settling', () => {
  test('is in force at once, and durable within 100 ms', async () => {
    const { queue, clock, disk } = await spoolUnderTest()
    const { ids } = await put(queue, text('a'))
    const claim = await claimOf(queue, ids[0])
    await quiet(disk)
    const before = disk.operations.length
    let durable = false
    const settled = queue.settle(claim, [delivered], 0).then(() => (durable = true))
    expect(queue.size).toBe(0)
    clock.advance(99)
    for (let i = 0; i < 5; i++) await nextTurn()
    expect(durable).toBe(false)
    expect(disk.operations).toHaveLength(before)
    clock.advance(1)
    await settled
    expect(durable).toBe(true)
  })

  test('rides with the next commit', async () => {
    const { queue } = await spoolUnderTest()
    const { ids } = await put(queue, text('a'))
    const claim = await claimOf(queue, ids[0])
    const settled = queue.settle(claim, [delivered], 0)
    await put(queue, text('b'))
    await settled
    expect(queue.size).toBe(1)
  })

  test('that left recipients open is found again, what is said by the next hop cut to size', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock } = spool
    const envelope = envelopeTo('one', 'two')
    const { ids } = await put(queue, text('a'), [placement({ envelope })])
    const claim = await claimOf(queue, ids[0])
    const long = { ...deferred, text: 'x'.repeat(5_000) }
    const retryAt = clock.now() + 7 * minute
    await inTime(clock, queue.settle(claim, [delivered, long], retryAt))
    const again = await spool.reopened()
    const { whole } = await listed(again.queue.entries())
    expect(whole).toMatchObject([
      {
        id: ids[0],
        dueAt: retryAt,
        tries: 1,
        recipients: [
          { state: 'delivered', text: 'ok' },
          { state: 'deferred', text: 'x'.repeat(158), tries: 1 },
        ],
      },
    ])
  })

  test('the last recipient ends the message, and removes its large file', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock, disk } = spool
    const { ids } = await put(queue, text('large', 9_000), [placement(), placement()])
    expect(await disk.list(`${spoolPath}/large`)).toHaveLength(1)
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [delivered], 0))
    expect(await disk.list(`${spoolPath}/large`)).toHaveLength(1)
    await inTime(clock, queue.settle(await claimOf(queue, ids[1]!), [failed], 0))
    expect(await disk.list(`${spoolPath}/large`)).toEqual([])
    expect((await spool.reopened()).queue.size).toBe(0)
  })
})

describe('giving a claim back untried', () => {
  test('until later is remembered', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock } = spool
    const { ids } = await put(queue, text('a'))
    const until = clock.now() + 3 * minute
    await inTime(clock, queue.release(await claimOf(queue, ids[0]), until))
    const again = await spool.reopened()
    expect(again.queue.nextDueAt()).toBe(until)
    expect(again.queue.due(until, 1)[0]?.tries).toBe(0)
  })
})

describe('an operator', () => {
  test('holds, releases, hurries and removes; the queue remembers', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock } = spool
    const ids: string[] = []
    for (const subject of ['a', 'b', 'c', 'd']) ids.push((await put(queue, text(subject))).ids[0])
    const [a = '', b = '', c = '', d = ''] = ids
    const later = clock.now() + 60 * minute
    for (const id of [c, d]) {
      await inTime(clock, queue.settle(await claimOf(queue, id), [deferred], later))
    }
    expect(await queue.change({ ids: [a, b, 'unknown'] }, 'hold')).toBe(2)
    expect(await queue.change({ ids: [b] }, 'release')).toBe(1)
    expect(await queue.change({ ids: [c] }, 'retry')).toBe(1)
    expect(await queue.change({ ids: [d] }, 'remove')).toBe(1)
    expect(queue.due(clock.now(), 9).map(({ id }) => id)).toEqual([b, c].toSorted())
    const again = await spool.reopened()
    const { whole } = await listed(again.queue.entries())
    expect(whole.map(({ id, held }) => [id, held])).toEqual([
      [a, true],
      [b, false],
      [c, false],
    ])
    expect(again.queue.due(clock.now(), 9)).toHaveLength(2)
    expect(await again.queue.change({}, 'remove')).toBe(3)
    expect(again.queue.size).toBe(0)
  })

  test('who removes what is being delivered has the last word', async () => {
    const spool = await spoolUnderTest()
    const { ids } = await put(spool.queue, text('a'))
    const claim = await claimOf(spool.queue, ids[0])
    await spool.queue.change({ ids }, 'remove')
    await spool.queue.settle(claim, [deferred], 0)
    expect(spool.queue.size).toBe(0)
    expect((await spool.reopened()).queue.size).toBe(0)
  })

  test('who holds what is being delivered stops the next try', async () => {
    const { queue, clock } = await spoolUnderTest()
    const { ids } = await put(queue, text('a'))
    const claim = await claimOf(queue, ids[0])
    await queue.change({ ids }, 'hold')
    await inTime(clock, queue.settle(claim, [deferred], clock.now()))
    expect(queue.due(clock.now() + minute, 9)).toEqual([])
    expect(queue.size).toBe(1)
  })
})
