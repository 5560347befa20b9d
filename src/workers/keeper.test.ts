import { expect, test } from 'vitest'
import { fakeClock, type FakeClock } from '../testkit/fake-clock.ts'
import { fakeWorkers } from '../testkit/fake-workers.ts'
import { Keeper } from './keeper.ts'
import type { FromDeliverer, ToDeliverer, ToGateway } from './keeper-messages.ts'

interface Stage {
  readonly keeper: Keeper
  readonly clock: FakeClock
  readonly deliverers: ReturnType<typeof fakeWorkers<ToDeliverer, FromDeliverer>>
  readonly gateways: ReturnType<typeof fakeWorkers<ToGateway, never>>
}

/** @param first what a deliverer says to its orders */
function stage(first: FromDeliverer = { say: 'opened' }): Stage {
  const clock = fakeClock()
  const deliverers = fakeWorkers<ToDeliverer, FromDeliverer>((message) =>
    message.say === 'open' ? first : message.say === 'ping' ? { say: 'alive' } : undefined,
  )
  const gateways = fakeWorkers<ToGateway, never>()
  const where = { folder: 'config', socket: '/run/x/deliverer', group: 8201 }
  return { keeper: new Keeper({ ...where, deliverers, clock }), clock, deliverers, gateways }
}

test('a deliverer is open before the gateway is started', async () => {
  const { keeper, deliverers, gateways } = stage()
  expect(await keeper.open()).toBeUndefined()
  expect(deliverers.started[0]?.told[0]).toEqual({
    say: 'open',
    folder: 'config',
    socket: '/run/x/deliverer',
    group: 8201,
  })
  void keeper.keep(gateways)
  expect(gateways.started[0]?.told).toEqual([{ say: 'open', folder: 'config' }])
})

test('a deliverer that cannot open is told of, and not tried again', async () => {
  const { keeper, deliverers } = stage({ say: 'refused', problem: 'no' })
  expect(await keeper.open()).toBe('no')
  deliverers.started[0]?.end(1)
  expect(deliverers.started).toHaveLength(1)
})

test('a deliverer that dies is replaced, ever later and for ever, and the gateway’s log hears of it', async () => {
  const { keeper, clock, deliverers, gateways } = stage()
  await keeper.open()
  void keeper.keep(gateways)
  for (let death = 1; death <= 15; death += 1) {
    deliverers.started.at(-1)?.end('SIGKILL')
    clock.advance(30_000)
    expect(deliverers.started).toHaveLength(death + 1)
  }
  const told = gateways.started[0]?.told ?? []
  expect(told[1]).toEqual({ say: 'deliverer-ended', how: 'SIGKILL', livedMs: 0, delayMs: 100 })
  expect(told[2]).toEqual({ say: 'deliverer-opened' })
})

test('a deliverer that answers no ping for a minute is killed', async () => {
  const clock = fakeClock()
  const deliverers = fakeWorkers<ToDeliverer, FromDeliverer>((message) =>
    message.say === 'open' ? { say: 'opened' } : undefined,
  )
  const where = { folder: 'config', socket: '/run/x/deliverer', group: 8201 }
  const keeper = new Keeper({ ...where, deliverers, clock })
  await keeper.open()
  void keeper.keep(fakeWorkers<ToGateway, never>())
  for (let pings = 0; pings < 6; pings += 1) clock.advance(15_000)
  await settled()
  expect(deliverers.started[0]?.alive).toBe(false)
})

test('signals reach the gateway, those too that came before it was there', async () => {
  const { keeper, gateways } = stage()
  keeper.pass('SIGTERM')
  await keeper.open()
  const ended = keeper.keep(gateways)
  keeper.pass('SIGHUP')
  expect(gateways.started[0]?.told.slice(1)).toEqual([
    { say: 'signal', signal: 'SIGTERM' },
    { say: 'signal', signal: 'SIGHUP' },
  ])
  gateways.started[0]?.end(0)
  expect(await ended).toBe(0)
})

test('the deliverer is told to stop after the gateway, and killed where it does not', async () => {
  const { keeper, clock, deliverers, gateways } = stage()
  await keeper.open()
  void keeper.keep(gateways)
  gateways.started[0]?.end('SIGKILL')
  const stopped = keeper.stop()
  expect(deliverers.started[0]?.told.at(-1)).toEqual({ say: 'stop' })
  clock.advance(10_000)
  await stopped
  expect(deliverers.started[0]?.alive).toBe(false)
})

/** What a fake worker does after it was killed is done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
