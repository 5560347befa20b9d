/** STARTTLS over real sockets: what an attacker slips in before the handshake is never executed. */
import { readFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { processCounters } from '../runtime/node/counters.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { memoryQueue } from '../testkit/memory-queue.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { scriptedPolicy } from '../testkit/scripted-policy.ts'
import { listen } from './listener.ts'

const fixture = (name: string): string =>
  readFileSync(new URL(`../../test/fixtures/tls/${name}`, import.meta.url), 'utf8')

async function open() {
  const policy = scriptedPolicy()
  const context = nodeNet.tlsContext({
    certificate: fixture('mx.test.pem'),
    key: fixture('mx.test.key'),
  })
  const listener = await listen(
    {
      name: 'mx',
      address: { host: '127.0.0.1', port: 0 },
      maxConnections: 10,
      maxConnectionsPerAddress: 10,
    },
    {
      policy,
      queue: memoryQueue(systemClock),
      tls: () => context,
      doors: {
        net: nodeNet,
        clock: systemClock,
        counters: processCounters(),
        process: { loadAverage: () => 0, descriptors: () => undefined },
        random: systemRandom,
        log: recordingLog(),
      },
    },
  )
  return { policy, listener, port: 'port' in listener.address ? listener.address.port : 0 }
}

/** Waits for replies, one after the other. */
function replies(socket: Socket) {
  let text = ''
  let wake = (): void => {}
  socket.on('data', (chunk) => {
    text += chunk.toString()
    wake()
  })
  return async (): Promise<string> => {
    for (;;) {
      const match = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(text)
      if (match !== null) {
        text = text.slice(match[0].length)
        return match[0].trimEnd()
      }
      await new Promise<void>((resolve) => void (wake = resolve))
    }
  }
}

const injections = [
  'STARTTLS\r\nMAIL FROM:<injected@client.test>\r\n',
  'STARTTLS\r\nRSET\r\nMAIL FROM:<injected@client.test>\r\nRCPT TO:<b@mx.test>\r\nDATA\r\n',
  'STARTTLS\r\nMAIL FROM:<injected@cli',
  'STARTTLS\r\n\r\n',
  'STARTTLS\r\nBDAT 30 LAST\r\nMAIL FROM:<injected@client.test>\r\n',
]

/** Tries a handshake on a socket that was said 220 to. @returns whether there is one; it is over either way */
async function shakesHands(plain: Socket): Promise<boolean> {
  if (plain.destroyed) return false
  const closed = new Promise((resolve) => void plain.once('close', resolve))
  const secure = connectTls({ socket: plain, servername: 'mx.test', ca: fixture('mx.test.pem') })
  secure.resume()
  let secured = false
  secure.on('error', () => {})
  secure.once('secureConnect', () => {
    secured = true
    secure.end('NOOP\r\n')
  })
  await Promise.race([closed, new Promise((resolve) => void secure.once('close', resolve))])
  return secured
}

describe('STARTTLS', () => {
  test.each(injections)(
    'executes nothing of what follows it in the clear: %j',
    async (injection) => {
      const { policy, listener, port } = await open()
      const plain = createConnection({ host: '127.0.0.1', port })
      const next = replies(plain)
      expect(await next()).toContain('220 ')
      plain.write('EHLO client.test\r\n')
      expect(await next()).toContain('STARTTLS')
      plain.write(injection)
      expect(await next()).toBe('220 2.0.0 Ready to start TLS')
      plain.removeAllListeners('data')
      const secure = connectTls({
        socket: plain,
        servername: 'mx.test',
        ca: fixture('mx.test.pem'),
      })
      const nextSecure = replies(secure)
      secure.write('NOOP\r\n')
      expect(await nextSecure()).toBe('250 2.0.0 Ok')
      secure.write('MAIL FROM:<a@client.test>\r\n')
      expect(await nextSecure()).toBe('503 5.5.1 Say EHLO or HELO first')
      secure.write('EHLO client.test\r\n')
      const capabilities = await nextSecure()
      expect(capabilities).toContain('AUTH PLAIN LOGIN')
      expect(capabilities).not.toContain('STARTTLS')
      secure.write('QUIT\r\n')
      expect(await nextSecure()).toContain('221 2.0.0')
      await new Promise((resolve) => void secure.once('close', resolve))
      expect(policy.history).toEqual(['connect', 'hello', 'hello', 'session quit'])
      await listener.close(1_000)
    },
  )

  test.each(injections)(
    'executes nothing of it wherever the wire is cut: %j',
    async (injection) => {
      const { policy, listener, port } = await open()
      let handshakes = 0
      for (let cut = 1; cut <= injection.length; cut++) {
        const plain = createConnection({ host: '127.0.0.1', port, noDelay: true })
        plain.on('error', () => {})
        const next = replies(plain)
        await next()
        plain.write('EHLO client.test\r\n')
        await next()
        plain.write(injection.slice(0, cut))
        await new Promise((resolve) => void setImmediate(resolve))
        plain.write(injection.slice(cut))
        expect(await next()).toBe('220 2.0.0 Ready to start TLS')
        plain.removeAllListeners('data')
        if (await shakesHands(plain)) handshakes++
      }
      // Cut within the line that says STARTTLS, what follows it is dropped; what comes later spoils the handshake.
      expect(handshakes).toBeGreaterThan(5)
      expect(new Set(policy.history)).toEqual(new Set(['connect', 'hello', 'session disconnect']))
      await listener.close(1_000)
    },
  )

  test('ends the session where no handshake follows', async () => {
    const { policy, listener, port } = await open()
    const plain = createConnection({ host: '127.0.0.1', port })
    plain.on('error', () => {})
    const next = replies(plain)
    await next()
    plain.write('EHLO client.test\r\nSTARTTLS\r\n')
    await next()
    await next()
    plain.write('MAIL FROM:<a@client.test>\r\n')
    await new Promise((resolve) => void plain.once('close', resolve))
    expect(policy.history).toEqual(['connect', 'hello', 'session disconnect'])
    await listener.close(1_000)
  })
})
