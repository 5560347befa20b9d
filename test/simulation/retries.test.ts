/**
 * Months of retries on a clock that is moved by hand, held against the schedule of qmail-send: after a try at age
 * `a` the next one comes at age `(floor(sqrt(a)) + skip)²` seconds, skip 10 for local and 20 for remote deliveries;
 * a pass that begins at an age beyond queuelifetime is the last.
 */
import { describe, expect, test } from 'vitest'
import { courierStage, deliveredResult, noAnswerResult } from '../../src/testkit/courier-stage.ts'

const day = 86_400
const month = 30 * day

/** The ages at which qmail-send would try, in seconds; `skip` as its chanskip. */
function qmailAges(skip: number, lifetime: number): readonly number[] {
  const ages = [0]
  for (let last = 0; last <= lifetime; ages.push(last))
    last = (Math.floor(Math.sqrt(last)) + skip) ** 2
  return ages
}

/** Nobody answers, but notices arrive. */
function deadWorld(lifetime = month) {
  const state = { dials: [] as number[] }
  const stage = courierStage({
    limits: { lifetimeMs: lifetime * 1000 },
    carry: ({ recipients, envelope }) => {
      if (envelope.reversePath === null) return recipients.map(() => deliveredResult)
      state.dials.push(stage.clock.now())
      return recipients.map(() => noAnswerResult)
    },
  })
  const agesOf = (id: string, born: number) =>
    stage.attempts
      .filter(({ queueId }) => queueId === id)
      .map(({ startedAt }) => Math.round((startedAt - born) / 1000))
  return { ...stage, agesOf, dials: state.dials }
}

describe('a month in which nobody answers', () => {
  test('is as long as qmail thinks', () => {
    // ../../shared/spec writes the first of them out.
    expect(qmailAges(20, month).slice(0, 5)).toEqual([0, 400, 1600, 3600, 6400])
    expect(qmailAges(10, month).slice(0, 5)).toEqual([0, 100, 400, 900, 1600])
  })

  test.each([
    ['remote', 'bob@there.test', 20],
    ['local', 'bob@local.test', 10],
  ])(
    'has the tries of qmail-send for a %s recipient, and a bounce at its end',
    async (_, to, skip) => {
      const { courier, queue, clock, post, sleep, agesOf, attempts } = deadWorld()
      const id = await post([to])
      const born = clock.now()
      courier.start()
      while (queue.find(id) !== undefined) await sleep()
      expect(agesOf(id, born)).toEqual(qmailAges(skip, month))
      const last = attempts.findLast(({ queueId }) => queueId === id)
      expect(last?.result).toMatchObject({ outcome: 'failed', status: '5.4.7' })
      expect(queue.commits).toHaveLength(2)
    },
  )

  test('has both schedules for a message with local and remote recipients, each its own', async () => {
    const { courier, queue, clock, post, sleep, attempts } = deadWorld()
    const id = await post(['bob@there.test', 'bob@local.test'])
    const born = clock.now()
    courier.start()
    while (queue.find(id) !== undefined) await sleep()
    const agesFor = (domain: string) =>
      attempts
        .filter(({ queueId, recipient }) => queueId === id && recipient.mailbox.domain === domain)
        .map(({ startedAt }) => Math.round((startedAt - born) / 1000))
    expect(agesFor('there.test')).toEqual(qmailAges(20, month))
    expect(agesFor('local.test')).toEqual(qmailAges(10, month))
  })

  test('interrupted for days goes on from the age it has then', async () => {
    const { courier, queue, clock, post, sleep, agesOf } = deadWorld()
    const id = await post(['bob@there.test'])
    const born = clock.now()
    courier.start()
    for (let tries = 0; tries < 5; tries++) await sleep()
    courier.pause()
    clock.advance(3 * day * 1000)
    const age = (clock.now() - born) / 1000
    courier.resume()
    await sleep()
    const ages = agesOf(id, born)
    expect(ages.slice(-2)).toEqual([age, (Math.floor(Math.sqrt(age)) + 20) ** 2])
    expect(queue.size).toBe(1)
  })

  test('is not shortened by an operator who retries everything every day', async () => {
    const { courier, queue, clock, post, sleep, settle, attempts } = deadWorld(7 * day)
    const id = await post(['bob@there.test'])
    const born = clock.now()
    courier.start()
    for (let nextAlarm = day; queue.find(id) !== undefined; await sleep()) {
      if (clock.now() - born < nextAlarm * 1000) continue
      nextAlarm += day
      await courier.retryNow()
      await settle()
    }
    const last = attempts.findLast(({ queueId }) => queueId === id)
    expect(((last?.startedAt ?? 0) - born) / 1000).toBeGreaterThan(7 * day)
  })

  test('calls a dead host once for all its messages, and each keeps its own schedule', async () => {
    const { courier, queue, clock, post, settle, sleep, agesOf, dials } = deadWorld(2 * day)
    courier.start()
    const messages: (readonly [id: string, born: number])[] = []
    for (let i = 0; i < 40; i++) {
      messages.push([await post(['bob@there.test']), clock.now()])
      for (let second = 0; second < 17; second++) {
        await settle()
        clock.advance(1_000)
      }
    }
    while (messages.some(([id]) => queue.find(id) !== undefined)) await sleep()
    for (const [id, born] of messages) expect(agesOf(id, born)).toEqual(qmailAges(20, 2 * day))
    const tries = messages.length * qmailAges(20, 2 * day).length
    // At first after 1, 2, 4 … minutes, then once an hour.
    expect(dials.length).toBeLessThan(60)
    expect(tries).toBeGreaterThan(800)
  })
})

describe('a host that was dead', () => {
  test('gets all that waited for it once it is back', async () => {
    let alive = false
    const stage = courierStage({
      carry: ({ recipients }) => recipients.map(() => (alive ? deliveredResult : noAnswerResult)),
    })
    stage.courier.start()
    for (let i = 0; i < 30; i++) await stage.post(['bob@there.test'])
    for (let i = 0; i < 40; i++) await stage.sleep()
    expect(stage.queue.size).toBe(30)
    alive = true
    const from = stage.clock.now()
    while (stage.queue.size > 0) await stage.sleep()
    expect(stage.clock.now() - from).toBeLessThan(2 * 3_600_000)
  })
})

describe('a hundred thousand messages for one slow destination', () => {
  test('leave room for everybody else, and for the queue in memory', async () => {
    const held: (() => void)[] = []
    const stage = courierStage({
      limits: { messages: 10_000, remote: 20 },
      carry: async ({ recipients, route }) => {
        if (route.key === 'smtp:slow.test') await new Promise<void>((resolve) => held.push(resolve))
        return recipients.map(() => deliveredResult)
      },
    })
    for (let i = 0; i < 6_000; i++) await stage.post(['bob@slow.test'])
    const others: string[] = []
    for (let i = 0; i < 30; i++) others.push(await stage.post([`bob@other${i}.test`]))
    stage.courier.start()
    for (let turn = 0; turn < 20; turn++) await stage.settle()
    expect(others.filter((id) => stage.queue.find(id) !== undefined)).toEqual([])
    expect(stage.courier.status.messages).toBeLessThanOrEqual(4_510)
    expect(stage.courier.status.remote).toBe(10)
    stage.courier.pause()
    const stop = stage.courier.stop(1_000)
    for (const release of held) release()
    await stop
  })

  test('leave in the order in which they came, once it is fast again', async () => {
    const order: string[] = []
    const stage = courierStage({
      limits: { messages: 100 },
      destination: () => ({ concurrency: 1, intervalMs: 0 }),
      carry: ({ recipients, queueId }) => {
        order.push(queueId)
        return recipients.map(() => deliveredResult)
      },
    })
    const ids: string[] = []
    for (let i = 0; i < 500; i++) ids.push(await stage.post(['bob@slow.test']))
    stage.courier.start()
    while (stage.queue.size > 0) await stage.sleep()
    expect(order).toEqual(ids)
  })
})
