/** TLS over real sockets: what an attacker slips in before the handshake is never executed, garbage harms nobody. */
import { readFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import { processCounters } from '../runtime/node/counters.ts'
import { systemClock } from '../runtime/node/clock.ts'
import type { TlsContext } from '../runtime/net.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { memoryQueue } from '../testkit/memory-queue.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { scriptedPolicy, testSettings } from '../testkit/scripted-policy.ts'
import { tlsIdentity } from '../testkit/tls-identity.ts'
import { listen } from './listener.ts'
import type { ListenerOptions } from './listener-parts.ts'
import type { Newcomer, TlsChoice } from './policy.ts'

const fixture = (name: string): string =>
  readFileSync(new URL(`../../test/fixtures/tls/${name}`, import.meta.url), 'utf8')

const contextOf = (certificate: string, key: string): TlsContext =>
  nodeNet.tlsContext({ certificate, key })

function chosen({ certificate, ciphers = '' }: TlsChoice): TlsContext {
  const held = certificate?.held
  if (held === undefined || 'problem' in held) throw new PosternError('CONFIG_INVALID', 'none')
  return nodeNet.tlsContext({ ...held, ciphers })
}

async function open(options: Partial<ListenerOptions> = {}) {
  const policy = scriptedPolicy()
  const log = recordingLog()
  const certificates: { current: TlsContext | undefined } = {
    current: contextOf(fixture('mx.test.pem'), fixture('mx.test.key')),
  }
  const listener = await listen(
    {
      name: 'mx',
      address: { host: '127.0.0.1', port: 0 },
      maxConnections: 50,
      maxConnectionsPerAddress: 50,
      ...options,
    },
    {
      policy,
      queue: memoryQueue(systemClock),
      tls: (choice) => (choice === undefined ? certificates.current : chosen(choice)),
      doors: {
        net: nodeNet,
        clock: systemClock,
        counters: processCounters(),
        process: { loadAverage: () => 0, descriptors: () => undefined },
        random: systemRandom,
        log,
      },
    },
  )
  const port = 'port' in listener.address ? listener.address.port : 0
  return { policy, listener, log, certificates, port }
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

/**
 * Plays the attacker, who sends in pieces, and then the client in TLS, whose session must begin anew.
 * @returns what the client heard in TLS: nothing where injected bytes reached the handshake, which then fails
 */
async function inject(pieces: Iterable<string>) {
  const { policy, listener, port } = await open()
  const plain = createConnection({ host: '127.0.0.1', port, noDelay: true })
  const next = replies(plain)
  await next()
  plain.write('EHLO client.test\r\n')
  await next()
  for (const piece of pieces) plain.write(piece)
  const ready = await next()
  plain.removeAllListeners('data')
  const secure = connectTls({ socket: plain, servername: 'mx.test', ca: fixture('mx.test.pem') })
  const gone = new Promise<undefined>((resolve) => {
    secure.once('close', () => resolve(undefined)).on('error', () => resolve(undefined))
  })
  const nextSecure = replies(secure)
  const heard: string[] = []
  for (const command of ['NOOP', 'MAIL FROM:<a@client.test>', 'EHLO client.test', 'QUIT']) {
    secure.write(`${command}\r\n`)
    // oxlint-disable-next-line no-await-in-loop -- a dialogue
    const reply = await Promise.race([nextSecure(), gone])
    if (reply === undefined) break
    heard.push(reply)
  }
  await gone
  secure.destroy()
  await listener.close(1_000)
  return { ready, heard, history: policy.history }
}

const beginsAnew = ['250 2.0.0 Ok', '503 5.5.1 Say EHLO or HELO first']

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
  test.each(injections)('executes nothing of what follows it in one write: %j', async (text) => {
    const { ready, heard, history } = await inject([text])
    expect(ready).toBe('220 2.0.0 Ready to start TLS')
    expect(heard.slice(0, 2)).toEqual(beginsAnew)
    expect(heard[2]).toContain('AUTH PLAIN LOGIN')
    expect(heard[2]).not.toContain('STARTTLS')
    expect(heard[3]).toContain('221 2.0.0')
    expect(history).toEqual(['connect', 'hello', 'hello', 'session quit'])
  })

  test.each(injections)('executes nothing of what follows it byte by byte: %j', async (text) => {
    const { heard, history } = await inject(text)
    expect([[], beginsAnew]).toContainEqual(heard.slice(0, 2))
    expect(history).not.toContain('mail')
  })

  test('executes nothing of what follows it, wherever the stream is cut', async () => {
    const text = 'STARTTLS\r\nEHLO x\r\nMAIL FROM:<injected@client.test>\r\n'
    for (let at = 1; at < text.length; at++) {
      // oxlint-disable-next-line no-await-in-loop -- fifty sessions at once would tell no more
      const { heard, history } = await inject([text.slice(0, at), text.slice(at)])
      expect([[], beginsAnew]).toContainEqual(heard.slice(0, 2))
      expect(history).not.toContain('mail')
    }
  })

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
        await setImmediate()
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

  test('is refused for the moment where the certificate has gone', async () => {
    const { certificates, listener, port } = await open()
    const plain = createConnection({ host: '127.0.0.1', port })
    plain.on('error', () => {})
    const next = replies(plain)
    await next()
    plain.write('EHLO client.test\r\n')
    expect(await next()).toContain('STARTTLS')
    certificates.current = undefined
    plain.write('STARTTLS\r\n')
    expect(await next()).toBe('220 2.0.0 Ready to start TLS')
    await new Promise((resolve) => void plain.once('close', resolve))
    await listener.close(1_000)
  })
})

const dialTls = (port: number) =>
  connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }).on('error', () => {})

describe('implicit TLS', () => {
  test('begins with the handshake; the session knows it and offers no STARTTLS', async () => {
    const { policy, listener, port } = await open({ tls: 'implicit' })
    const secure = dialTls(port)
    const next = replies(secure)
    expect(await next()).toBe('220 mx.test ESMTP')
    expect(policy.opened[0]?.tls).toMatchObject({ protocol: 'TLSv1.3' })
    secure.write('EHLO client.test\r\nSTARTTLS\r\nMAIL FROM:<a@client.test>\r\nQUIT\r\n')
    const capabilities = await next()
    expect(capabilities).toContain('AUTH PLAIN LOGIN')
    expect(capabilities).not.toContain('STARTTLS')
    expect(await next()).toBe('503 5.5.1 TLS is active already')
    expect(await next()).toBe('250 2.1.0 Ok')
    expect(await next()).toContain('221 ')
    await listener.close(1_000)
  })

  test('may be begun by the client while it is asked who that is', async () => {
    const { policy, listener, port } = await open({ tls: 'implicit' })
    const known = Promise.withResolvers<void>()
    const introduce = policy.introduce.bind(policy)
    Object.assign(policy, {
      introduce: async (newcomer: Newcomer) => {
        await known.promise
        return introduce(newcomer)
      },
    })
    const raw = createConnection({ host: '127.0.0.1', port })
    const secure = connectTls({ socket: raw, rejectUnauthorized: false })
    const next = replies(secure)
    while (raw.bytesWritten === 0) await setImmediate()
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    known.resolve()
    expect(await next()).toBe('220 mx.test ESMTP')
    secure.destroy()
    await listener.close(1_000)
  })

  test('shows a renewed certificate in the next handshake', async () => {
    const { certificates, listener, port } = await open({ tls: 'implicit' })
    const shown = async (): Promise<string | undefined> => {
      const secure = dialTls(port)
      await new Promise((resolve) => void secure.once('secureConnect', resolve))
      const subject = secure.getPeerX509Certificate()?.subject
      secure.destroy()
      return subject
    }
    expect(await shown()).toBe('CN=mx.test')
    certificates.current = nodeNet.tlsContext(tlsIdentity(['renewed.test']))
    expect(await shown()).toBe('CN=renewed.test')
    await listener.close(1_000)
  })

  test('asks the policy nothing about who talks in the clear, or not at all', async () => {
    const { policy, log, listener, port } = await open({ tls: 'implicit', handshakeTimeoutMs: 50 })
    const talker = createConnection({ host: '127.0.0.1', port }).on('error', () => {})
    const silent = createConnection({ host: '127.0.0.1', port }).on('error', () => {})
    let heard = ''
    for (const socket of [talker, silent]) socket.on('data', (chunk) => (heard += chunk.toString()))
    talker.write('EHLO client.test\r\nMAIL FROM:<a@client.test>\r\n')
    await Promise.all(
      [talker, silent].map(
        (socket) => new Promise((resolve) => void socket.once('close', resolve)),
      ),
    )
    expect(heard).not.toContain('220')
    expect(policy.opened).toEqual([])
    expect(log.events.filter(({ event }) => event === 'tls.failed')).toHaveLength(2)
    await listener.close(1_000)
  })

  test('is closed without waiting for handshakes that have not come', async () => {
    const { listener, port } = await open({ tls: 'implicit' })
    const silent = createConnection({ host: '127.0.0.1', port }).on('error', () => {})
    await new Promise((resolve) => void silent.once('connect', resolve))
    const closed = new Promise((resolve) => void silent.once('close', () => resolve('closed')))
    await listener.close(60_000)
    expect(await closed).toBe('closed')
  })

  test('counts a handshake as a connection, and turns away in silence who comes beyond the limit', async () => {
    const { policy, listener, port } = await open({ tls: 'implicit', maxConnections: 1 })
    const first = dialTls(port)
    expect(await replies(first)()).toContain('220 ')
    const second = dialTls(port)
    await new Promise((resolve) => void second.once('close', resolve))
    expect(policy.opened).toHaveLength(1)
    first.destroy()
    await listener.close(1_000)
  })

  test('outlives a flood of garbage: every place is given back', async () => {
    const { listener, port } = await open({ tls: 'implicit', maxConnections: 20 })
    const garbage = (seed: number): Buffer =>
      Buffer.from(Array.from({ length: 300 }, (_, index) => (index * seed * 7 + seed) & 0xff))
    const flood = Array.from({ length: 300 }, (_, index) => {
      const socket = createConnection({ host: '127.0.0.1', port }).on('error', () => {})
      socket.resume().end(index % 3 === 0 ? Buffer.from('16030100ff01', 'hex') : garbage(index))
      return new Promise((resolve) => void socket.once('close', resolve))
    })
    await Promise.all(flood)
    expect(listener.sessions).toBe(0)
    const secure = dialTls(port)
    expect(await replies(secure)()).toContain('220 ')
    secure.destroy()
    await listener.close(1_000)
  })
})

describe('what a client’s rule chooses for its TLS', () => {
  const held = tlsIdentity(['rule.test'])
  const choice = { certificate: { path: 'of-a-rule.pem', held }, ciphers: 'ECDHE-ECDSA-AES128-SHA' }
  const older = { rejectUnauthorized: false, maxVersion: 'TLSv1.2' } as const
  const shown = async (secure: TLSSocket) => {
    secure.on('error', () => {})
    await new Promise((resolve) => void secure.once('secureConnect', resolve))
    const found = [secure.getPeerX509Certificate()?.subject, secure.getCipher().standardName]
    secure.destroy()
    return found
  }
  const its = ['CN=rule.test', 'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA']

  test('holds for STARTTLS', async () => {
    const { policy, listener, port } = await open()
    policy.settings = { ...testSettings, tls: choice }
    const plain = createConnection({ host: '127.0.0.1', port })
    const next = replies(plain)
    await next()
    plain.write('EHLO client.test\r\nSTARTTLS\r\n')
    await next()
    await next()
    plain.removeAllListeners('data')
    expect(await shown(connectTls({ socket: plain, ...older }))).toEqual(its)
    await listener.close(1_000)
  })

  test('holds for implicit TLS', async () => {
    const { policy, listener, port } = await open({ tls: 'implicit' })
    Object.assign(policy, { tlsFor: () => choice })
    expect(await shown(connectTls({ port, ...older }))).toEqual(its)
    await listener.close(1_000)
  })

  test('ends the connection where it cannot be used, and nothing else is shown', async () => {
    const { policy, log, listener, port } = await open({ tls: 'implicit' })
    Object.assign(policy, {
      tlsFor: () => ({ certificate: { path: 'a.pem', held: { problem: 'missing' } } }),
    })
    const secure = dialTls(port)
    const heard = new Promise((resolve) => {
      secure.once('secureConnect', () => resolve('shown')).once('close', () => resolve('closed'))
    })
    expect(await heard).toBe('closed')
    expect(policy.opened).toEqual([])
    expect(log.events).toContainEqual(
      expect.objectContaining({ event: 'tls.failed', level: 'error' }),
    )
    await listener.close(1_000)
  })
})
