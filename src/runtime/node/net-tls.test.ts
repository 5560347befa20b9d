/** TLS over real sockets: which certificate is shown, which is asked for, and what garbage does. */
import { createHash, X509Certificate } from 'node:crypto'
import { createConnection, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { TlsState } from '../../mail/session.ts'
import type { Connection, TlsContext, TlsIdentity, TlsOptions } from '../net.ts'
import { tlsIdentity } from '../../testkit/tls-identity.ts'
import { nodeNet } from './net.ts'

const mx = tlsIdentity(['mx.test'])
const many = tlsIdentity(['mail.other.test', '*.wild.test'])
const relay = tlsIdentity(['relay.client.test'])
const stranger = tlsIdentity(['stranger.test'])

/** A listener that begins with the handshake, and tells of the first one that ends. */
async function door(context: TlsContext, options: Partial<TlsOptions & { side: 'server' }> = {}) {
  const outcome = Promise.withResolvers<TlsState>()
  const closed = Promise.withResolvers<Error | undefined>()
  const text = Promise.withResolvers<string>()
  // What nobody waits for is nobody's failure.
  outcome.promise.catch(() => {})
  const connections: Connection[] = []
  const listener = await nodeNet.listen({
    address: { host: '127.0.0.1', port: 0 },
    accepted(connection) {
      connections.push(connection)
      const secured = connection.startTls({
        side: 'server',
        context,
        timeoutMs: 30_000,
        ...options,
      })
      secured.then(outcome.resolve, outcome.reject)
      connection.attach({
        data: (chunk) => text.resolve(chunk.toString()),
        ended: () => connection.end(),
        drained: () => {},
        closed: (error) => closed.resolve(error),
      })
    },
    failed: () => {},
  })
  return {
    port: 'port' in listener.address ? listener.address.port : 0,
    state: outcome.promise,
    closed: closed.promise,
    text: text.promise,
    async close() {
      for (const connection of connections) connection.destroy()
      await listener.close()
    },
  }
}

function dial(port: number, options: ConnectionOptions = {}): TLSSocket {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  return socket.on('error', () => {})
}

const secured = (socket: TLSSocket): Promise<void> =>
  new Promise((resolve) => void socket.once('secureConnect', resolve))

describe('the certificate that is shown', () => {
  const context = nodeNet.tlsContext({
    ...mx,
    others: [many, tlsIdentity(['mx.test', 'late.test'])],
  })

  const shownFor = async (servername: string | undefined): Promise<string> => {
    const open = await door(context)
    const socket = dial(open.port, servername === undefined ? {} : { servername })
    await secured(socket)
    const subject = socket.getPeerX509Certificate()?.subject ?? ''
    socket.destroy()
    await open.close()
    return subject
  }

  test.each([
    ['mx.test', 'CN=mx.test'],
    ['MX.Test', 'CN=mx.test'],
    ['mail.other.test', 'CN=mail.other.test'],
    ['a.wild.test', 'CN=mail.other.test'],
    ['a.b.wild.test', 'CN=mx.test'],
    ['wild.test', 'CN=mx.test'],
    ['late.test', 'CN=mx.test'],
    ['unknown.test', 'CN=mx.test'],
    ['nodots', 'CN=mx.test'],
    [undefined, 'CN=mx.test'],
  ])('for %s is that of %s', async (servername, subject) => {
    expect(await shownFor(servername)).toBe(subject)
  })

  test('can be trusted by a client that was given it', async () => {
    const open = await door(context)
    const socket = dial(open.port, { servername: 'mx.test', ca: mx.certificate })
    await secured(socket)
    expect(socket.authorized).toBe(true)
    await open.close()
  })
})

describe('a client certificate', () => {
  const fingerprint = (pem: string): string =>
    createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')
  const asking = (required: boolean): TlsContext =>
    nodeNet.tlsContext({
      ...mx,
      others: [many],
      clients: { authorities: relay.certificate, required },
    })
  const shake = async (context: TlsContext, client: TlsIdentity | undefined, servername = 'x') => {
    const open = await door(context)
    const socket = dial(open.port, {
      servername,
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
    })
    const [result] = await Promise.allSettled([open.state])
    socket.destroy()
    await open.close()
    return result
  }

  test.each(['mx.test', 'mail.other.test'])(
    'of a trusted authority is verified, whatever name the client asks for (%s)',
    async (servername) => {
      for (const required of [true, false]) {
        expect(await shake(asking(required), relay, servername)).toMatchObject({
          status: 'fulfilled',
          value: {
            clientCertificate: {
              subject: 'CN=relay.client.test',
              issuer: 'CN=relay.client.test',
              fingerprint: fingerprint(relay.certificate),
              verified: true,
            },
          },
        })
      }
    },
  )

  test('of nobody we know is shown as not verified where none is required', async () => {
    expect(await shake(asking(false), stranger)).toMatchObject({
      value: {
        clientCertificate: { fingerprint: fingerprint(stranger.certificate), verified: false },
      },
    })
  })

  test('need not be shown where none is required', async () => {
    const result = await shake(asking(false), undefined)
    expect(result).toMatchObject({ status: 'fulfilled' })
    expect(result).not.toHaveProperty('value.clientCertificate')
  })

  test('of nobody we know, or none, ends the handshake where one is required', async () => {
    for (const client of [stranger, undefined]) {
      expect(await shake(asking(true), client)).toMatchObject({
        status: 'rejected',
        reason: { code: 'PEER_FAILED' },
      })
    }
  })

  test('that is not believed leaves the reason', async () => {
    expect(await shake(asking(true), stranger)).toMatchObject({
      reason: { message: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT') },
    })
  })

  test('is not asked for by a listener that does not say so', async () => {
    const result = await shake(nodeNet.tlsContext(mx), relay)
    expect(result).toMatchObject({ status: 'fulfilled' })
    expect(result).not.toHaveProperty('value.clientCertificate')
  })
})

describe('a handshake', () => {
  const context = nodeNet.tlsContext(mx)

  test.each([
    [
      'an older protocol',
      { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' },
    ],
    ['a cipher without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }],
    ['a cipher block chain', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }],
  ] as const)('that asks for %s fails', async (_, options) => {
    const open = await door(context)
    const socket = dial(open.port, options)
    await expect(open.state).rejects.toMatchObject({ code: 'PEER_FAILED' })
    socket.destroy()
    await open.close()
  })

  test('in TLS 1.2 is good enough', async () => {
    const open = await door(context)
    const socket = dial(open.port, { maxVersion: 'TLSv1.2' })
    expect(await open.state).toMatchObject({ protocol: 'TLSv1.2', cipher: /^ECDHE-ECDSA-/ })
    socket.destroy()
    await open.close()
  })

  test('may begin with what was received before it', async () => {
    // What the client says first is taken from a connection of its own, and handed to the handshake of another.
    const helloOf = Promise.withResolvers<{ server: Connection; hello: Buffer }>()
    const listener = await nodeNet.listen({
      address: { host: '127.0.0.1', port: 0 },
      accepted(server) {
        server.attach({
          data: (hello) => helloOf.resolve({ server, hello }),
          ended: () => {},
          drained: () => {},
          closed: () => {},
        })
      },
      failed: () => {},
    })
    const socket = dial('port' in listener.address ? listener.address.port : 0)
    const { server, hello } = await helloOf.promise
    const started = server.startTls({ side: 'server', context, timeoutMs: 30_000, received: hello })
    expect(await started).toMatchObject({ protocol: 'TLSv1.3' })
    socket.destroy()
    server.destroy()
    await listener.close()
  })

  test('may have begun before anybody knew whether the client may come in', async () => {
    const accepted = Promise.withResolvers<Connection>()
    const listener = await nodeNet.listen({
      address: { host: '127.0.0.1', port: 0 },
      accepted: accepted.resolve,
      failed: () => {},
    })
    const raw = createConnection('port' in listener.address ? listener.address.port : 0)
    const socket = connectTls({ socket: raw, rejectUnauthorized: false }).on('error', () => {})
    const server = await accepted.promise
    while (raw.bytesWritten === 0) await setImmediate()
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    const received = Buffer.alloc(0)
    const started = server.startTls({ side: 'server', context, timeoutMs: 30_000, received })
    expect(await started).toMatchObject({ protocol: 'TLSv1.3' })
    socket.destroy()
    server.destroy()
    await listener.close()
  })

  const garbage: readonly (readonly [string, Buffer])[] = [
    ['text', Buffer.from('EHLO client.test\r\n')],
    ['zeros', Buffer.alloc(20_000)],
    ['a record that promises more', Buffer.from('16030140000100', 'hex')],
    ['a client hello cut short', Buffer.from('160301000401000000', 'hex')],
    ['an alert', Buffer.from('15030300020228', 'hex')],
    ['SSL 2', Buffer.from('802e0100020015000000100100800200800300800400800500', 'hex')],
  ]

  test.each(garbage)('of garbage ends its connection only: %s', async (_, bytes) => {
    for (const settings of [
      mx,
      { ...mx, clients: { authorities: relay.certificate, required: true } },
    ]) {
      const open = await door(nodeNet.tlsContext(settings))
      const raw = createConnection({ host: '127.0.0.1', port: open.port }).on('error', () => {})
      raw.end(bytes)
      await expect(open.state).rejects.toMatchObject({ code: 'PEER_FAILED' })
      await open.closed
      raw.destroy()
      await open.close()
    }
  })

  test('that never comes is not waited for, with or without certificates of clients', async () => {
    for (const settings of [
      mx,
      { ...mx, clients: { authorities: relay.certificate, required: true } },
    ]) {
      const open = await door(nodeNet.tlsContext(settings), { timeoutMs: 20 })
      const raw = createConnection({ host: '127.0.0.1', port: open.port }).on('error', () => {})
      await expect(open.state).rejects.toMatchObject({ code: 'TIMEOUT' })
      await open.closed
      raw.destroy()
      await open.close()
    }
  })
})

describe('after the handshake', () => {
  test.each([[mx], [{ ...mx, clients: { authorities: relay.certificate, required: false } }]])(
    'a forged record ends the connection, and the owner is told',
    async (settings) => {
      const open = await door(nodeNet.tlsContext(settings))
      const raw: Socket = createConnection({ host: '127.0.0.1', port: open.port })
      raw.on('error', () => {})
      // A client whose records go over a pipe of ours, so that we can add one of our own.
      const socket = dial(0, { socket: pipeTo(raw) })
      await secured(socket)
      socket.write('hello')
      expect(await open.text).toBe('hello')
      raw.write(Buffer.concat([Buffer.from('1703030030', 'hex'), Buffer.alloc(48, 'x')]))
      await expect(open.closed).resolves.toBeInstanceOf(Error)
      socket.destroy()
      raw.destroy()
      await open.close()
    },
  )
})

/** A stream that passes everything on to a socket, and lets others write to that socket as well. */
function pipeTo(raw: Socket): Duplex {
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => void raw.write(chunk, done),
  })
  raw.on('data', (chunk) => void stream.push(chunk)).on('close', () => stream.destroy())
  return stream
}

describe('a list of ciphers', () => {
  const meet = async (ciphers: string, options: ConnectionOptions): Promise<string> => {
    const met = await door(nodeNet.tlsContext({ ...mx, ciphers }))
    const socket = dial(met.port, options)
    const { cipher } = await met.state
    socket.destroy()
    await met.close()
    return cipher
  }
  const older = { maxVersion: 'TLSv1.2', ciphers: 'ALL:COMPLEMENTOFALL:@SECLEVEL=0' } as const

  test.each([
    ['decides for TLS 1.2', 'AES128-SHA,ECDHE-ECDSA-AES256-SHA', older, 'ECDHE-ECDSA-AES256-SHA'],
    ['leaves TLS 1.3 as it is', 'ECDHE-ECDSA-AES128-SHA', {}, 'TLS_AES_256_GCM_SHA384'],
    ['may choose the suites of TLS 1.3', 'TLS_AES_128_GCM_SHA256', {}, 'TLS_AES_128_GCM_SHA256'],
    ['may begin with DEFAULT', 'DEFAULT:!AES256', older, 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ])('%s', async (_, list, options, cipher) => {
    expect(await meet(list, options)).toBe(cipher)
  })

  test.each([
    'nonsense',
    'NULL:@SECLEVEL=0',
    'NULL:@SECLEVEL=0\0',
    'aNULL:@SECLEVEL=0',
    'TLS_NULL:HIGH',
    'TLS_SHA256_SHA256',
    'TLS_SHA256_SHA256:eNULL:@SECLEVEL=0',
  ])('without any that encrypts for somebody is none: %j', (ciphers) => {
    expect(() => nodeNet.tlsContext({ ...mx, ciphers })).toThrow(
      'the list names no cipher that can be used',
    )
  })

  test('never lets in the suites of TLS 1.3 that encrypt nothing', async () => {
    const list = 'TLS_SHA256_SHA256:HIGH:@SECLEVEL=0'
    const ciphers = `TLS_SHA256_SHA256:TLS_AES_128_GCM_SHA256:${list}`
    expect(await meet(list, { ciphers })).toBe('TLS_AES_128_GCM_SHA256')
  })
})
