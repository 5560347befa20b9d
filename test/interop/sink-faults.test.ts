/** Postfix's smtp-sink as a next hop with its faults switched on, by SMTP and by LMTP: each ends in the right result. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Transport } from '../../src/delivery/transport.ts'
import { lmtpTransport } from '../../src/delivery/transport/lmtp.ts'
import { smtpTransport } from '../../src/delivery/transport/smtp.ts'
import type { DeliveryResult } from '../../src/mail/delivery-result.ts'
import type { Route } from '../../src/mail/route.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { nodeDns } from '../../src/runtime/node/dns.ts'
import { nodeNet } from '../../src/runtime/node/net.ts'
import { systemRandom } from '../../src/runtime/node/random.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { recordingLog } from '../../src/testkit/recording-log.ts'
import { eventually } from '../end-to-end/started-gateway.ts'
import { isMissing, postfixTool } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'

let sink: ChildProcess | undefined
let transport: Transport | undefined

afterEach(() => {
  transport?.close?.()
  sink?.kill()
})

async function startSink(options: readonly string[]): Promise<number> {
  const tool = postfixTool('smtp-sink')!
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
  sink = spawn(tool.path, [...user, ...options, `127.0.0.1:${port}`, '100'], {
    env: { ...process.env, ...tool.env },
    stdio: 'ignore',
  })
  await eventually(async () => {
    const socket = connect(port, '127.0.0.1')
    const connected = await once(socket, 'connect').catch(() => undefined)
    socket.destroy()
    return connected
  }, 'smtp-sink')
  return port
}

const large = memoryMessage(`Subject: large\r\n\r\n${'.dots and text\r\n'.repeat(20_000)}`)
const small = memoryMessage('Subject: small\r\n\r\nhello\r\n')

async function deliver(
  options: readonly string[],
  message = small,
): Promise<readonly DeliveryResult[]> {
  const lmtp = options.includes('-L')
  const port = await startSink(options)
  const doors = {
    net: nodeNet,
    dns: nodeDns(),
    clock: systemClock,
    random: systemRandom,
    log: recordingLog(),
    settings: () => ({ helloName: 'here.test' }),
  }
  const carrier: Transport = lmtp ? lmtpTransport(doors) : smtpTransport(doors)
  transport = carrier
  const host = '127.0.0.1'
  const route: Route = lmtp
    ? { transport: 'lmtp', key: 'sink', to: { host, port } }
    : { transport: 'smtp', key: 'sink', lookup: 'host', host, port }
  const recipients = ['bob', 'cid', 'dan'].map((localPart) => ({
    mailbox: { localPart, domain: 'sink.test' },
  }))
  const envelope = {
    reversePath: { localPart: 'ann', domain: 'here.test' },
    recipients,
    bodyType: '7bit',
    smtputf8: false,
    requireTls: false,
  } as const
  const delivery = { queueId: 'q', message, envelope, recipients, route }
  return carrier.deliver(delivery, new AbortController().signal)
}

const all = (outcome: string) => [outcome, outcome, outcome]

describe.skipIf(isMissing('postfix')).each([
  ['SMTP', [], 'EHLO'],
  ['SMTP without PIPELINING', ['-p'], 'EHLO'],
  ['LMTP', ['-L'], 'LHLO'],
] as const)('smtp-sink by %s', (_, mode, hello) => {
  test.each([
    ['small', small],
    ['large', large],
  ])('takes a %s message', async (__, message) => {
    const results = await deliver(mode, message)
    expect(results.map(({ outcome }) => outcome)).toEqual(all('delivered'))
  })

  test.each(['CONNECT', hello, 'MAIL', 'RCPT', 'DATA', '.'])(
    'that hangs up at %s defers, with 421 and without',
    async (command) => {
      for (const fault of ['-q', '-Q']) {
        const results = await deliver([...mode, fault, command])
        expect(results.map(({ outcome }) => outcome)).toEqual(all('deferred'))
        expect(results[0]?.text).not.toBe('')
        sink?.kill()
      }
    },
  )

  test.each(['MAIL', 'RCPT', 'DATA', '.'])('that refuses %s is believed', async (command) => {
    const hard = await deliver([...mode, '-f', command])
    expect(hard.map(({ outcome }) => outcome)).toEqual(all('failed'))
    sink?.kill()
    const soft = await deliver([...mode, '-r', command])
    expect(soft.map(({ outcome }) => outcome)).toEqual(all('deferred'))
    expect(soft[0]?.text).toMatch(/^4\d\d /)
    expect(soft[0]?.remote).toBe('[127.0.0.1]')
  })
})

describe.skipIf(isMissing('postfix'))('smtp-sink', () => {
  test.each([['-e'], ['-8'], ['-N'], ['-a', '-c']])('with %s takes mail', async (...options) => {
    const results = await deliver(options)
    expect(results.map(({ outcome }) => outcome)).toEqual(all('delivered'))
  })

  test('that knows no 8BITMIME gets no 8-bit message', async () => {
    const results = await deliver(['-8'], memoryMessage('Subject: x\r\n\r\né\r\n'))
    expect(results[0]).toMatchObject({ outcome: 'failed', status: '5.6.3' })
  })
})
