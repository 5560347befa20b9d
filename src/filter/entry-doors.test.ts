import { expect, test } from 'vitest'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import { isPosternError } from '../mail/errors.ts'
import { definePlugin } from '../plugin/plugin.ts'
import { pass, reject } from '../plugin/verdict.ts'
import type { HeardAnswer } from '../runtime/dns.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { nodePrograms } from '../runtime/node/programs.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDns } from '../testkit/fake-dns.ts'
import { fakeNet } from '../testkit/fake-net.ts'
import { recordingLog } from '../testkit/recording-log.ts'

/** Goes through doors of which no notes are kept, as they are in a gateway: some of them frozen. */
const goer = definePlugin({
  name: 'goer',
  options: {},
  setup: (_options, { net, programs }) => ({
    async connect() {
      const there = await programs.canStart('/bin/sh')
      const address = { path: '/nowhere/at/all' }
      const reached = await net.connect({ address, timeoutMs: 1000 }).catch((error: unknown) => {
        return isPosternError(error, 'CONNECT_FAILED') ? 'nobody there' : 'shut'
      })
      return there && reached === 'nobody there' ? pass() : reject('5.7.1', 'A door is shut')
    },
  }),
})

test('the doors of a gateway can be gone through, frozen ones too', async () => {
  const doors = { net: Object.freeze({ ...nodeNet }), programs: nodePrograms(systemClock) }
  const session = chainUnderTest({ entries: [entryOf(goer)], doors }).dial()
  expect(await session.connect()).toBe('220')
})

/** Remembers what the DNS said once, and asks no more. */
const rememberer = definePlugin({
  name: 'rememberer',
  setup(_options, { dns }) {
    let heard: readonly HeardAnswer[] | undefined
    return {
      async hello(_event, { signal }) {
        if (heard === undefined) {
          const answer = await dns.txt('policy.test', signal)
          heard = [{ question: 'txt', of: 'policy.test', answer }]
        } else dns.remembered?.(heard)
        return pass({ reason: 'KNOWN' })
      },
    }
  },
})

test('what an entry remembers is noted as what it was told is', async () => {
  const dns = fakeDns({ 'policy.test': { txt: ['yes'] } })
  const chain = chainUnderTest({ entries: [entryOf(rememberer), entryOf(voucher)], doors: { dns } })
  const doors: unknown[] = []
  for (let visit = 0; visit < 2; visit++) {
    const session = chain.dial()
    await session.connect()
    await session.hello()
    await session.mail()
    await session.rcpt('bob@x.test')
    await session.message()
    session.end()
  }
  for (const id of ['s1.1', 's2.1']) {
    const { steps = [] } = (await chain.trace(id)) ?? {}
    doors.push(steps.find(({ entry }) => entry === 'rememberer')?.doors)
  }
  expect(doors).toEqual([[['T policy.test', ['yes']]], [['T policy.test', ['yes']]]])
  expect(dns.questions).toHaveLength(1)
})

/** Its connection and its timers call it back with what throws. */
const clumsy = definePlugin({
  name: 'clumsy',
  setup: (_options, { clock, net }) => ({
    async connect(_event, { signal }) {
      const boom = (what: string): never => {
        throw new Error(`${what} went wrong`)
      }
      clock.after(10, () => boom('a timer'))
      // oxlint-disable-next-line typescript/no-misused-promises -- what a plugin without a compiler may hand over
      clock.after(10, async () => boom('a timer that waits'))
      const address = { host: '192.0.2.9', port: 1 }
      const connection = await net.connect({ address, timeoutMs: 1000, signal })
      const { promise, resolve } = Promise.withResolvers<void>()
      connection.attach({
        data: () => boom('a reply'),
        ended() {},
        drained() {},
        closed: () => resolve(),
      })
      connection.write('hello')
      await promise
      return pass({ reason: 'HUNG_UP' })
    },
  }),
})

test('a callback of an entry that throws ends no process: the log names the entry, and its connection is closed', async () => {
  const [net, clock, log] = [fakeNet(), fakeClock(), recordingLog()]
  await net.listen({
    address: { host: '192.0.2.9', port: 1 },
    accepted: (peer) =>
      peer.attach({ data: () => peer.write('what?'), ended() {}, drained() {}, closed() {} }),
    failed() {},
  })
  const session = chainUnderTest({ entries: [entryOf(clumsy)], doors: { net, clock, log } }).dial()
  expect(await session.connect()).toBe('220')
  clock.advance(10)
  await Promise.resolve()
  expect(
    log.events.filter(({ event }) => event === 'entry.callback-failed').map(({ fields }) => fields),
  ).toMatchObject(
    ['a reply', 'a timer', 'a timer that waits'].map((what) => ({
      entry: 'clumsy',
      detail: expect.stringContaining(`Error: ${what} went wrong`),
    })),
  )
  expect(net.open).toBe(0)
})
