import { describe, expect, test } from 'vitest'
import {
  courierStage,
  deferredResult,
  deliveredResult,
  everybody,
} from '../testkit/courier-stage.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { Pauses } from './pauses.ts'
import { QueueDesk } from './queue-desk.ts'

async function stage() {
  const pauses = await Pauses.open(fakeDisk({ '/spool/format': '' }), '/spool/paused')
  const courier = courierStage({ carry: everybody(deferredResult), pauses })
  const { queue, clock, log, bouncer, router } = courier
  const desk = new QueueDesk({
    queue,
    clock,
    log,
    bouncer,
    router,
    pauses,
    paused: () => courier.courier.pausesChanged(),
  })
  return { ...courier, desk }
}

describe('an operator', () => {
  test('sees first what a change would change, and then changes it', async () => {
    const { desk, post, queue } = await stage()
    const one = await post(['bob@one.test'])
    await post(['bob@two.test'])
    const domain = { domain: 'one.test' }
    expect(await desk.apply('hold', domain, { dryRun: true })).toEqual({ count: 1, ids: [one] })
    expect(queue.find(one)?.held).toBe(false)
    expect(await desk.apply('hold', domain)).toEqual({ count: 1, ids: [one] })
    expect(queue.find(one)?.held).toBe(true)
    expect(await desk.apply('hold', {})).toMatchObject({ count: 1 })
    expect(await desk.apply('release', {})).toMatchObject({ count: 2 })
    expect(await desk.apply('remove', { ids: [one] })).toMatchObject({ count: 1 })
    expect(queue.size).toBe(1)
  })

  test('hears which of the ids that were named are not there, and not of those that need no change', async () => {
    const { desk, post } = await stage()
    const id = await post(['bob@one.test'])
    await desk.apply('hold', { ids: [id] })
    expect(await desk.apply('hold', { ids: [id, '1wrong'] })).toEqual({
      count: 0,
      ids: [],
      missing: ['1wrong'],
    })
  })

  test('chooses by the route of who is still to be delivered to', async () => {
    const { desk, post } = await stage()
    const id = await post(['bob@one.test', 'cid@two.test'])
    await post(['bob@three.test'])
    const by = async (route: string) => (await desk.apply('hold', { route }, { dryRun: true })).ids
    expect(await by('two.test')).toEqual([id])
    expect(await by('smtp:two.test')).toEqual([id])
    expect(await by('four.test')).toEqual([])
  })

  test('returns a message to its sender, held or not, once', async () => {
    const { desk, post, queue } = await stage()
    const id = await post(['bob@one.test'])
    await desk.apply('hold', { ids: [id] })
    expect(await desk.apply('bounce', { ids: [id] })).toMatchObject({ count: 1 })
    expect(queue.find(id)).toBeUndefined()
    const bounce = queue.commits.at(-1)
    expect(bounce?.placement.envelope.reversePath).toBeNull()
    expect(bounce?.message.text).toContain('The postmaster returned this message')
    expect(await desk.apply('bounce', { ids: [id] })).toMatchObject({ count: 0 })
  })

  test('keeps a message whose bounce cannot be queued', async () => {
    const { desk, post, queue } = await stage()
    const id = await post(['bob@one.test'])
    queue.refuseNextCommit('DISK_FULL')
    await expect(desk.apply('bounce', { ids: [id] })).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(queue.find(id)).toBeDefined()
    expect(await desk.apply('bounce', { ids: [id] })).toMatchObject({ count: 1 })
  })
})

describe('a paused domain', () => {
  test('is not tried, does not count as tried, and is tried at once when it resumes', async () => {
    const { desk, post, queue, courier, attempts, settle, clock } = await stage()
    await desk.pause({ what: 'domain', name: 'one.test' })
    const id = await post(['bob@one.test'])
    await post(['bob@two.test'])
    courier.start()
    await settle()
    clock.advance(700_000_000)
    await settle()
    expect(attempts.every(({ queueId }) => queueId !== id)).toBe(true)
    expect(queue.find(id)?.tries).toBe(0)
    await desk.resume({ what: 'domain', name: 'one.test' })
    await settle()
    expect(attempts.some(({ queueId }) => queueId === id)).toBe(true)
  })

  test('delays no other recipient of the message', async () => {
    const { desk, post, queue, courier, attempts, settle } = await stage()
    await desk.pause({ what: 'route', name: 'one.test' })
    const id = await post(['bob@one.test', 'cid@two.test'])
    courier.start()
    await settle()
    expect(attempts.map(({ recipient }) => recipient.mailbox.localPart)).toEqual(['cid'])
    expect(queue.find(id)?.recipients[0]).toMatchObject({ text: expect.stringContaining('paused') })
  })

  test.each([
    ['domain', { what: 'domain', name: 'one.test' }],
    ['queue', { what: 'all' }],
  ] as const)(
    'or a paused %s lets nobody through who waited for a slot, and all of them afterwards',
    async (_, scope) => {
      const pauses = await Pauses.open(fakeDisk({ '/spool/format': '' }), '/spool/paused')
      const open = Promise.withResolvers<void>()
      const { courier, post, queue, settle, ...rest } = courierStage({
        limits: { remote: 2 },
        pauses,
        async carry({ recipients }) {
          await open.promise
          return recipients.map(() => deliveredResult)
        },
      })
      const desk = new QueueDesk({
        ...rest,
        queue,
        pauses,
        paused: () => courier.pausesChanged(),
      })
      for (let message = 0; message < 10; message++) await post(['bob@one.test', 'cid@one.test'])
      courier.start()
      await settle()
      await desk.pause(scope)
      open.resolve()
      await settle()
      // One destination has half of the slots: one message was under way.
      expect([queue.size, rest.attempts.length]).toEqual([9, 2])
      await desk.resume(scope)
      await settle()
      expect([queue.size, rest.attempts.length]).toEqual([0, 20])
    },
  )

  test('and everything else waits where all is paused', async () => {
    const { desk, post, courier, attempts, settle } = await stage()
    await desk.pause({ what: 'all' })
    await post(['bob@one.test'])
    courier.start()
    await settle()
    expect([attempts.length, courier.status.paused]).toEqual([0, true])
    await desk.resume({ what: 'all' })
    await settle()
    expect(attempts).toHaveLength(1)
  })
})
