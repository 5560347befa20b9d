import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import type { Queue } from '../queue/queue.ts'
import {
  courierStage,
  deferredResult,
  deliveredResult,
  everybody,
  failedResult,
  type CourierStage,
} from '../testkit/courier-stage.ts'

const outcomes = ({ attempts }: CourierStage) =>
  attempts.map(({ recipient, result }) => [recipient.mailbox.localPart, result.outcome] as const)

const events = ({ log }: CourierStage) => log.events.map(({ event }) => event)

/** A transport that waits until it is let go, and counts who is with it. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const state = { inside: 0, most: 0 }
  return {
    state,
    open: resolve,
    carry: async ({ recipients }: { recipients: readonly unknown[] }) => {
      state.most = Math.max(state.most, ++state.inside)
      await promise
      state.inside--
      return recipients.map(() => deliveredResult)
    },
  }
}

describe('the courier', () => {
  test('delivers what was queued before it started, and what is queued after', async () => {
    const stage = courierStage()
    await stage.post(['bob@local.test'])
    stage.courier.start()
    await stage.settle()
    await stage.post(['cid@there.test'])
    await stage.settle()
    expect(outcomes(stage)).toEqual([
      ['bob', 'delivered'],
      ['cid', 'delivered'],
    ])
    expect(stage.queue.size).toBe(0)
  })

  test('hands recipients of one route over together, and keeps their order in the results', async () => {
    const seen: string[][] = []
    const stage = courierStage({
      carry: ({ recipients }) => {
        seen.push(recipients.map(({ mailbox }) => mailbox.localPart))
        return recipients.map(({ mailbox }) =>
          mailbox.localPart === 'cid' ? deferredResult : deliveredResult,
        )
      },
    })
    await stage.post(['bob@there.test', 'ann@local.test', 'cid@there.test', 'dan@else.test'])
    stage.courier.start()
    await stage.settle()
    expect(seen).toEqual([['bob', 'cid'], ['ann'], ['dan']])
    expect(stage.queue.settled[0]?.results.map(({ outcome }) => outcome)).toEqual([
      'delivered',
      'delivered',
      'deferred',
      'delivered',
    ])
  })

  test.each([
    ['of one route', () => 'nobody'],
    ['each of a route of its own', (localPart: string) => localPart],
  ])(
    'of a message to very many, %s, five hundred have their turn before others have theirs',
    async (_, key) => {
      const routed = { most: 0, now: 0 }
      const told = { most: 0, now: 0 }
      let watching = true
      const turn = (): void => {
        routed.now = 0
        told.now = 0
        if (watching) setImmediate(turn)
      }
      const stage = courierStage({
        router: {
          route: async ({ mailbox }) => {
            routed.most = Math.max(routed.most, ++routed.now)
            return {
              transport: 'fail',
              key: key(mailbox.localPart),
              status: '5.1.1',
              text: 'Nobody',
            }
          },
        },
        observed: () => void (told.most = Math.max(told.most, ++told.now)),
      })
      await stage.post(Array.from({ length: 1_600 }, (_, i) => `user${i}@there.test`))
      turn()
      stage.courier.start()
      while (stage.attempts.length < 1_600) await stage.settle()
      watching = false
      expect([routed.most, told.most]).toEqual([500, 500])
    },
  )

  test('tries again only those who were deferred', async () => {
    let first = true
    const stage = courierStage({
      carry: ({ recipients }) => {
        const result = first ? [deliveredResult, deferredResult] : [deliveredResult]
        first = false
        return recipients.map((_, i) => result[i] ?? failedResult)
      },
    })
    await stage.post(['bob@there.test', 'cid@there.test'])
    stage.courier.start()
    await stage.sleep()
    expect(outcomes(stage)).toEqual([
      ['bob', 'delivered'],
      ['cid', 'deferred'],
      ['cid', 'delivered'],
    ])
    expect(stage.queue.size).toBe(0)
  })

  test('tells the log and the observer of every attempt', async () => {
    const stage = courierStage({ carry: everybody(deferredResult) })
    const queueId = await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    const startedAt = stage.clock.now()
    expect(stage.attempts).toMatchObject([
      { queueId, routeKey: 'smtp:there.test', result: deferredResult, startedAt, durationMs: 0 },
    ])
    expect(stage.attempts[0]?.retryAt).toBe(startedAt + 400_000)
    const delivery = { delivery: 1, channel: 'remote' }
    expect(stage.log.events).toEqual([
      {
        level: 'debug',
        event: 'delivery.started',
        fields: {
          queueId,
          ...delivery,
          recipient: 'bob@there.test',
          route: 'smtp:there.test',
          limit: 20,
        },
      },
      {
        level: 'info',
        event: 'delivery.deferred',
        fields: {
          queueId,
          ...delivery,
          recipient: 'bob@there.test',
          route: 'smtp:there.test',
          status: '4.2.0',
          text: 'not now',
          remote: undefined,
          durationMs: 0,
          retryAt: startedAt + 400_000,
        },
      },
    ])
  })

  test('fails at once where the route says so', async () => {
    const stage = courierStage({
      router: {
        route: async () => ({ transport: 'fail', key: 'no', status: '5.7.1', text: 'not here' }),
      },
    })
    await stage.post(['bob@there.test'], { reversePath: null })
    stage.courier.start()
    await stage.settle()
    expect(stage.attempts[0]?.result).toEqual({
      outcome: 'failed',
      status: '5.7.1',
      text: 'not here',
    })
  })

  test('makes everything due when told to', async () => {
    const stage = courierStage({ carry: everybody(deferredResult) })
    await stage.post(['bob@there.test'])
    await stage.post(['cid@there.test'])
    stage.courier.start()
    await stage.settle()
    expect(await stage.courier.retryNow()).toBe(2)
    await stage.settle()
    expect(stage.attempts).toHaveLength(4)
  })

  test('calls a next hop that did not answer again when told to', async () => {
    let tries = 0
    const silent = everybody({ outcome: 'deferred', status: '4.4.1', text: 'no answer' })
    const stage = courierStage({
      carry: (delivery, signal) => {
        tries += 1
        return silent(delivery, signal)
      },
    })
    await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    await stage.courier.retryNow()
    await stage.settle()
    expect(tries).toBe(2)
  })

  test('takes nothing while paused, and all of it afterwards', async () => {
    const stage = courierStage()
    stage.courier.start()
    stage.courier.pause()
    await stage.post(['bob@local.test'])
    await stage.settle()
    expect(stage.courier.status).toMatchObject({ paused: true, messages: 0 })
    expect(stage.attempts).toEqual([])
    stage.courier.resume()
    await stage.settle()
    expect(stage.attempts).toHaveLength(1)
  })

  test('sleeps through an empty queue without a timer', async () => {
    const stage = courierStage()
    stage.courier.start()
    await stage.settle()
    expect(stage.clock.pending).toBe(0)
  })
})

describe('the limits', () => {
  test('hold for local and for remote deliveries, each by itself', async () => {
    const waiting = gate()
    const stage = courierStage({ carry: waiting.carry, limits: { local: 2, remote: 1 } })
    for (let i = 0; i < 5; i++) await stage.post([`a${i}@local.test`, `b${i}@there${i}.test`])
    stage.courier.start()
    await stage.settle()
    expect(stage.courier.status).toMatchObject({ messages: 5, local: 2, remote: 1, paused: false })
    waiting.open()
    await stage.settle()
    expect(waiting.state).toEqual({ inside: 0, most: 3 })
    expect(stage.attempts).toHaveLength(10)
    expect(stage.queue.size).toBe(0)
  })

  test.each([
    [2, 1],
    [3, 2],
    [20, 15],
  ])('of %d remote slots leave %d at most to hosts that may not answer', async (remote, most) => {
    const waiting = gate()
    const stage = courierStage({ carry: waiting.carry, limits: { remote } })
    for (let i = 0; i <= remote; i++) await stage.post([`b${i}@there${i}.test`])
    stage.courier.start()
    await stage.settle()
    expect(stage.courier.status.remote).toBe(most)
    waiting.open()
    await stage.settle()
    expect(stage.queue.size).toBe(0)
  })

  test('hold for messages under way, and the rest follow', async () => {
    const waiting = gate()
    const stage = courierStage({ carry: waiting.carry, limits: { messages: 3 } })
    for (let i = 0; i < 10; i++) await stage.post([`a${i}@there.test`])
    stage.courier.start()
    await stage.settle()
    expect(stage.courier.status.messages).toBe(3)
    waiting.open()
    await stage.settle()
    expect(stage.queue.size).toBe(0)
  })
})

describe('limits that change', () => {
  test('let those go on who wait, though nobody comes or goes', async () => {
    const limits = { local: 10, remote: 0 }
    const stage = courierStage({ limits })
    await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    expect([stage.attempts.length, stage.courier.status.waiting.remote]).toEqual([0, 1])
    limits.remote = 1
    stage.courier.reloaded({ paused: false })
    await stage.settle()
    expect(stage.queue.size).toBe(0)
  })
})

describe('retries', () => {
  async function life(to: string) {
    const stage = courierStage({
      carry: ({ recipients, envelope }) =>
        recipients.map(() => (envelope.reversePath === null ? deliveredResult : deferredResult)),
    })
    const id = await stage.post([to])
    const born = stage.clock.now()
    stage.courier.start()
    while (stage.queue.size > 0) await stage.sleep()
    const mine = stage.attempts.filter(({ queueId }) => queueId === id)
    return { stage, mine, seconds: mine.map(({ startedAt }) => (startedAt - born) / 1000) }
  }

  test('of a remote recipient follow the schedule for a week, and then it bounces', async () => {
    const { stage, mine, seconds } = await life('bob@there.test')
    expect(seconds.slice(0, 5)).toEqual([0, 400, 1600, 3600, 6400])
    expect(seconds).toEqual(Array.from({ length: 40 }, (_, i) => (i * 20) ** 2))
    expect(mine.at(-2)?.result.outcome).toBe('deferred')
    expect(mine.at(-1)?.result).toEqual({
      outcome: 'failed',
      status: '5.4.7',
      text: "not now\nI'm not going to try again; this message has been in the queue too long.",
    })
    expect(stage.queue.commits[1]?.message.text).toContain('been in the queue too long')
    expect(stage.attempts.at(-1)?.recipient.mailbox.localPart).toBe('ann')
  })

  test('of a local recipient follow the schedule for a week', async () => {
    const { seconds } = await life('bob@local.test')
    expect(seconds.slice(0, 5)).toEqual([0, 100, 400, 900, 1600])
    expect(seconds).toEqual(Array.from({ length: 79 }, (_, i) => (i * 10) ** 2))
  })
})

describe('a failure', () => {
  test('is settled only after its bounce is committed', async () => {
    const order: string[] = []
    const stage = courierStage({
      carry: everybody(failedResult),
      through: (queue): Queue => ({
        ...queue,
        settle: async (...given) => {
          order.push(`settle, ${stage.queue.commits.length} committed`)
          await queue.settle(...given)
        },
      }),
    })
    await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    expect(order[0]).toBe('settle, 2 committed')
  })

  test('whose bounce can not be committed is none yet: it is tried again, and told then', async () => {
    const stage = courierStage({
      carry: ({ recipients, envelope }) =>
        recipients.map(() => (envelope.reversePath === null ? deliveredResult : failedResult)),
    })
    const id = await stage.post(['bob@there.test'])
    stage.queue.refuseNextCommit('DISK_FULL')
    stage.courier.start()
    await stage.settle()
    expect(stage.queue.find(id)?.recipients).toMatchObject([{ state: 'deferred' }])
    expect(events(stage)).toContain('bounce.trouble')
    await stage.sleep()
    expect(stage.queue.commits).toHaveLength(2)
    expect(stage.queue.size).toBe(0)
  })

  test('of everything in a row ends: bounce, double bounce, and no more', async () => {
    const stage = courierStage({ carry: everybody(failedResult) })
    await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    expect(stage.queue.commits).toHaveLength(3)
    expect(stage.queue.size).toBe(0)
    expect(events(stage)).toContain('bounce.dropped')
  })
})

describe('a delay', () => {
  test('is told once, at the first try after four hours, to who asked for it', async () => {
    const stage = courierStage({
      carry: ({ recipients, envelope }) =>
        recipients.map(() => (envelope.reversePath === null ? deliveredResult : deferredResult)),
    })
    const id = await stage.post(['bob@there.test', 'cid@there.test'], {
      recipients: [
        { mailbox: { localPart: 'bob', domain: 'there.test' }, notify: ['delay', 'failure'] },
        { mailbox: { localPart: 'cid', domain: 'there.test' } },
      ],
    })
    const born = stage.clock.now()
    stage.courier.start()
    for (let tries = 0; tries < 10; tries++) await stage.sleep()
    expect(stage.queue.commits).toHaveLength(2)
    const [, notice] = stage.queue.commits
    expect(notice?.message.header.first('subject')).toBe('delay notice')
    expect(notice?.message.text).toContain('bob@there.test')
    expect(notice?.message.text).not.toContain('cid@there.test')
    const sent = stage.attempts.find(({ queueId }) => queueId === notice?.id)
    expect((sent?.startedAt ?? 0) - born).toBe(14_400_000)
    expect(stage.queue.find(id)?.recipients).toMatchObject([
      { state: 'deferred', delayTold: true },
      { state: 'deferred' },
    ])
  })
})

describe('a fault of our own', () => {
  test.each([
    ['throws', () => Promise.reject(new Error('a bug'))],
    [
      'throws at once',
      (): never => {
        throw new Error('a bug')
      },
    ],
    ['gives too few results', () => []],
  ])('in a transport that %s defers, and is logged', async (_, carry) => {
    const stage = courierStage({ carry })
    await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    expect(stage.attempts[0]?.result).toMatchObject({ outcome: 'deferred', status: '4.3.0' })
    expect(events(stage)).toEqual(['delivery.started', 'delivery.bug', 'delivery.deferred'])
    expect(stage.queue.size).toBe(1)
  })

  test('in the router defers that recipient alone', async () => {
    const stage = courierStage({
      router: {
        async route({ mailbox }) {
          if (mailbox.localPart === 'bob') throw new Error('a bug')
          return { transport: 'maildir', key: 'm', path: '/mail/m' }
        },
      },
    })
    await stage.post(['bob@there.test', 'cid@there.test'])
    stage.courier.start()
    await stage.settle()
    expect(new Map(outcomes(stage))).toEqual(
      new Map([
        ['bob', 'deferred'],
        ['cid', 'delivered'],
      ]),
    )
  })

  test('in the observer gives the message back, to be tried again later', async () => {
    let broken = true
    const stage = courierStage({
      observed: () => {
        if (broken) throw new Error('a bug')
      },
    })
    await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    expect(events(stage)).toContain('courier.trouble')
    broken = false
    stage.clock.advance(60_000)
    await stage.settle()
    expect(stage.queue.size).toBe(0)
  })

  test('a queue that can not record an outcome is trouble, and the courier goes on', async () => {
    let broken = true
    const stage = courierStage({
      through: (queue): Queue => ({
        ...queue,
        async settle(...given) {
          await queue.settle(...given)
          if (broken) throw new PosternError('DISK_FAILED')
        },
      }),
    })
    await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    expect(events(stage)).toContain('courier.trouble')
    broken = false
    await stage.post(['cid@there.test'])
    await stage.settle()
    stage.clock.advance(1_000)
    await stage.settle()
    expect(stage.attempts).toHaveLength(2)
    expect(stage.courier.status.messages).toBe(0)
  })

  test('a queue that can not hand a message out is not asked without a pause', async () => {
    let asked = 0
    const stage = courierStage({
      through: (queue): Queue => ({
        ...queue,
        claim: () => {
          asked++
          return Promise.reject(new PosternError('DISK_FAILED'))
        },
      }),
    })
    await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    stage.clock.advance(10_000)
    await stage.settle()
    expect(asked).toBeLessThan(20)
  })
})

describe('a stop', () => {
  test('waits for what is under way, and starts nothing more', async () => {
    const waiting = gate()
    const stage = courierStage({ carry: waiting.carry, limits: { remote: 1 } })
    const first = await stage.post(['bob@there.test'])
    const second = await stage.post(['cid@there.test'])
    stage.courier.start()
    await stage.settle()
    let stopped = false
    const stop = stage.courier.stop(30_000).then(() => (stopped = true))
    await stage.settle()
    expect(stopped).toBe(false)
    waiting.open()
    await stop
    expect(stage.queue.find(first)).toBeUndefined()
    expect(stage.queue.find(second)?.tries).toBe(0)
    expect(await stage.queue.claim(second)).toBeDefined()
    await stage.post(['dan@there.test'])
    await stage.settle()
    expect(stage.attempts).toHaveLength(1)
    expect(stage.clock.pending).toBe(0)
  })

  test('keeps what was delivered when others of the message never had their turn', async () => {
    const waiting = gate()
    const stage = courierStage({ carry: waiting.carry, limits: { remote: 1 } })
    const id = await stage.post(['bob@one.test', 'cid@two.test'])
    stage.courier.start()
    await stage.settle()
    const stop = stage.courier.stop(30_000)
    waiting.open()
    await stop
    expect(stage.queue.find(id)?.recipients).toMatchObject([
      { state: 'delivered' },
      { state: 'deferred' },
    ])
    expect(stage.queue.nextDueAt()).toBe(stage.clock.now())
  })

  test('calls off what is not done by its deadline; it stays due, however old it is', async () => {
    const stage = courierStage({
      limits: { lifetimeMs: 0 },
      carry: ({ recipients }, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(recipients.map(() => deferredResult)))
        }),
    })
    const id = await stage.post(['bob@there.test'])
    stage.clock.advance(5_000)
    stage.courier.start()
    await stage.settle()
    const stop = stage.courier.stop(30_000)
    stage.clock.advance(30_000)
    await stop
    expect(stage.queue.find(id)).toMatchObject({
      dueAt: stage.clock.now(),
      recipients: [{ state: 'deferred', text: 'not now' }],
    })
  })

  test('does not wait for ever for a transport that does not listen', async () => {
    const stage = courierStage({ carry: () => new Promise(() => {}) })
    const id = await stage.post(['bob@there.test'])
    stage.courier.start()
    await stage.settle()
    const stop = stage.courier.stop(30_000)
    stage.clock.advance(30_000)
    stage.clock.advance(1_000)
    await stop
    expect(stage.queue.find(id)?.recipients).toMatchObject([{ state: 'deferred' }])
  })
})
