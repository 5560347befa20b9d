import { describe, expect, test } from 'vitest'
import type { LmtpRoute } from '../../mail/route.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDns } from '../../testkit/fake-dns.ts'
import { fakeNet } from '../../testkit/fake-net.ts'
import { hello } from '../../testkit/next-hop-stage.ts'
import { recordingLog } from '../../testkit/recording-log.ts'
import { scriptedHop, type HopAnswers, type HopOptions } from '../../testkit/scripted-hop.ts'
import { seededRandom } from '../../testkit/seeded-random.ts'
import { lmtpTransport } from './lmtp.ts'

const socket: LmtpRoute = { transport: 'lmtp', key: 'lmtp', to: { path: '/run/lmtp' } }

async function meet(options: HopOptions = {}, route = socket, to = ['bob', 'cid', 'dan']) {
  const hop = scriptedHop({ protocol: 'lmtp', extensions: ['PIPELINING'], ...options })
  const net = fakeNet()
  const listen = { accepted: hop.accepted, failed: () => {} }
  await net.listen({ address: { path: '/run/lmtp' }, ...listen })
  await net.listen({ address: { host: '192.0.2.7', port: 24 }, ...listen })
  const transport = lmtpTransport({
    net,
    clock: fakeClock(),
    log: recordingLog(),
    random: seededRandom(1),
    dns: fakeDns({ 'agent.test': { addresses: ['192.0.2.6', '192.0.2.7'] } }),
    settings: () => ({ helloName: 'here.test' }),
  })
  const recipients = to.map((localPart) => ({ mailbox: { localPart, domain: 'here.test' } }))
  const deliver = () =>
    transport.deliver(
      {
        queueId: 'q',
        message: hello,
        envelope: {
          reversePath: null,
          recipients,
          bodyType: '7bit',
          smtputf8: false,
          requireTls: true,
        },
        recipients,
        route,
      },
      new AbortController().signal,
    )
  return { hop, deliver, results: await deliver() }
}

describe('a delivery agent', () => {
  test.each([
    ['a UNIX socket', socket, 'localhost (/run/lmtp)'],
    ['TCP', { ...socket, to: { host: 'agent.test', port: 24 } }, 'agent.test (192.0.2.7)'],
  ])(
    'is given mail over %s, and what it takes is delivered, not relayed',
    async (_, route, remote) => {
      const { hop, results } = await meet({}, route)
      expect(results).toEqual(
        results.map(() => ({
          outcome: 'delivered',
          status: '2.0.0',
          text: '250 2.0.0 Taken',
          remote,
        })),
      )
      expect(hop.commands[0]).toBe('LHLO here.test')
      expect(hop.taken[0]?.message).toBe(hello.text)
    },
  )

  test.each([[['PIPELINING']], [[]], [['CHUNKING']]])(
    'answers for each recipient after the message (%j)',
    async (extensions) => {
      const answers: HopAnswers = {
        RCPT: (line) => (line.includes('bob') ? '550 5.1.1 Nobody' : '250 2.1.5 Ok'),
        message: (to) => (to.startsWith('cid') ? '452 4.2.2 Mailbox full' : '250 2.0.0 Saved'),
      }
      const { results } = await meet({ extensions, answers })
      expect(results.map(({ outcome, status }) => [outcome, status])).toEqual([
        ['failed', '5.1.1'],
        ['deferred', '4.2.2'],
        ['delivered', '2.0.0'],
      ])
    },
  )

  test.each(['hang-up', '421 4.3.2 Bye'])(
    'that ends with %s between two answers has delivered to the first, and perhaps to the others',
    async (text) => {
      const answers: HopAnswers = { message: (to) => (to.startsWith('bob') ? '250 Ok' : text) }
      const { results } = await meet({ answers })
      expect(results.map(({ outcome }) => outcome)).toEqual(['delivered', 'deferred', 'deferred'])
    },
  )

  test('that does not know LHLO, or is not there, defers', async () => {
    const { results } = await meet({ answers: { LHLO: '500 5.5.1 What?' } })
    expect(results[0]).toMatchObject({ outcome: 'deferred' })
    const gone = await meet({}, { ...socket, to: { path: '/run/nothing' } })
    expect(gone.results[0]).toMatchObject({ outcome: 'deferred', status: '4.4.1' })
    const nowhere = await meet({}, { ...socket, to: { host: 'no.test', port: 24 } })
    expect(nowhere.results[0]).toMatchObject({ outcome: 'deferred', status: '4.3.5' })
  })

  test('gets the next message over the same session', async () => {
    const { hop, deliver } = await meet()
    await deliver()
    expect(hop.connections).toBe(1)
    expect(hop.taken).toHaveLength(2)
  })
})
