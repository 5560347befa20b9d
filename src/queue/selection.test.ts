import { describe, expect, test } from 'vitest'
import {
  claimOf,
  deferred,
  delivered,
  envelopeTo,
  failed,
  inTime,
  listed,
  placement,
  put,
  spoolUnderTest,
  text,
} from '../../test/fixtures/spool.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { Selector } from './queue.ts'

const at = (address: string) => {
  const [localPart = '', domain = ''] = address.split('@')
  return { localPart, domain }
}
const mail = (from: string | null, ...to: readonly string[]): Envelope => ({
  ...envelopeTo(),
  reversePath: from === null ? null : at(from),
  recipients: to.map((address) => ({ mailbox: at(address) })),
})

async function stage() {
  const spool = await spoolUnderTest()
  const { queue, clock } = spool
  const ids: Record<string, string> = {}
  const add = async (name: string, envelope: Envelope, held = false) => {
    const grounds = { transaction: 's1.1' }
    const kept = held ? { disposition: 'hold' as const, reason: `held: ${name}`, grounds } : {}
    const { ids: made } = await put(queue, text(name), [placement({ envelope, ...kept })])
    ids[name] = made[0]
    clock.advance(1_000)
  }
  await add('a', mail('ann@One.test', 'bob@two.test', 'cid@three.test'))
  await add('b', mail(null, 'bob@sub.two.test'))
  await add('c', mail('eve@four.test', 'BOB@two.test'), true)
  const names = async (selector: Selector) => {
    const { whole } = await listed(queue.entries(selector))
    return whole.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id)).join('')
  }
  return { ...spool, ids, names }
}

describe('a selector', () => {
  test.each([
    [{}, 'abc'],
    [{ held: true }, 'c'],
    [{ held: false }, 'ab'],
    [{ reversePath: 'ANN@one.test' }, 'a'],
    [{ reversePath: '<ann@one.test>' }, 'a'],
    [{ reversePath: '<>' }, 'b'],
    [{ reversePath: '@four.test' }, 'c'],
    [{ recipient: 'bob@two.test' }, 'ac'],
    [{ recipient: '@three.test' }, 'a'],
    [{ domain: 'TWO.test' }, 'ac'],
    [{ domain: '.two.test' }, 'b'],
    [{ reason: 'held: ' }, 'c'],
    [{ quarantined: true }, 'c'],
    [{ quarantined: false }, 'ab'],
    [{ domain: 'two.test', held: false }, 'a'],
    [{ domain: 'nowhere.test' }, ''],
  ] satisfies [Selector, string][])('%j means %s', async (selector, expected) => {
    const { names } = await stage()
    expect(await names(selector)).toBe(expected)
  })

  test('means messages by their age', async () => {
    const { names, clock } = await stage()
    expect(await names({ receivedBefore: clock.now() - 1_500 })).toBe('ab')
    expect(await names({ receivedAfter: clock.now() - 1_500 })).toBe('c')
  })

  test('means only recipients that are still open', async () => {
    const { names, queue, clock, ids } = await stage()
    const claim = await claimOf(queue, ids['a']!)
    await inTime(clock, queue.settle(claim, [delivered, deferred], clock.now()))
    expect(await names({ domain: 'two.test' })).toBe('c')
    expect(await names({ domain: 'three.test' })).toBe('a')
  })

  test('of a change touches nothing else, and a restart remembers it', async () => {
    const spool = await stage()
    expect(await spool.queue.change({ domain: 'two.test' }, 'hold')).toBe(1)
    expect(await spool.queue.change({ reversePath: '<>' }, 'remove')).toBe(1)
    const again = await spool.reopened()
    const { whole } = await listed(again.queue.entries())
    expect(whole.map(({ held }) => held)).toEqual([true, true])
  })
})

describe('a claim for an operator', () => {
  test('is given for what is held, too, and leaves it held where nothing comes of it', async () => {
    const { queue, ids, clock } = await stage()
    const held = ids['c']!
    expect(await queue.claim(held)).toBeUndefined()
    const claim = await queue.claim(held, 'held')
    expect(await queue.claim(held, 'held')).toBeUndefined()
    await queue.release(claim!, clock.now())
    expect(queue.due(clock.now(), 9).map(({ id }) => id)).not.toContain(held)
    const again = await queue.claim(held, 'held')
    await inTime(clock, queue.settle(again!, [failed], clock.now()))
    expect(queue.size).toBe(2)
  })
})

describe('giving a claim back for a moment', () => {
  test('writes nothing, and a restart has forgotten it', async () => {
    const spool = await stage()
    const { queue, clock, disk, ids } = spool
    const claim = await claimOf(queue, ids['a']!)
    const before = disk.operations.length
    await queue.release(claim, clock.now() + 60_000, 'volatile')
    expect(queue.due(clock.now(), 9).map(({ id }) => id)).toEqual([ids['b']])
    clock.advance(1_000)
    expect(disk.operations.length).toBe(before)
    const again = await spool.reopened()
    expect(again.queue.due(clock.now(), 9).map(({ id }) => id)).toEqual([ids['a'], ids['b']])
  })
})

describe('that a sender knows of a delay', () => {
  test('is remembered over a restart', async () => {
    const spool = await stage()
    const { queue, clock, ids } = spool
    const claim = await claimOf(queue, ids['b']!)
    const late: DeliveryResult = {
      outcome: 'deferred',
      status: '4.4.1',
      text: 'busy',
      delayTold: true,
    }
    await inTime(clock, queue.settle(claim, [late], clock.now()))
    const again = await spool.reopened()
    const { whole } = await listed(again.queue.entries({ reversePath: '<>' }))
    expect(whole[0]?.recipients).toMatchObject([{ state: 'deferred', delayTold: true }])
  })
})
