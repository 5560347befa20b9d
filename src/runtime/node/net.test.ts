import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Connection, NetListener } from '../net.ts'
import { nodeNet } from './net.ts'

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../test/fixtures/tls/${name}`, import.meta.url), 'utf8')

const certificate = fixture('mx.test.pem')
const otherKey = fixture('other.test.key')
const context = nodeNet.tlsContext({ certificate, key: fixture('mx.test.key') })

/** What arrives on a connection, as it arrives. */
function watch(connection: Connection) {
  const bytes = Promise.withResolvers<string>()
  const closed = Promise.withResolvers<Error | undefined>()
  const drained = Promise.withResolvers<void>()
  let text = ''
  let wanted = Number.POSITIVE_INFINITY
  const look = (): void => {
    if (text.length >= wanted) bytes.resolve(text)
  }
  connection.attach({
    data(chunk) {
      text += chunk.toString('latin1')
      look()
    },
    ended: () => bytes.resolve(text),
    drained: () => drained.resolve(),
    closed: (error) => closed.resolve(error),
  })
  return {
    ended: bytes.promise,
    drained: drained.promise,
    closed: closed.promise,
    first(length: number): Promise<string> {
      wanted = length
      look()
      return bytes.promise
    },
  }
}

interface Door {
  readonly listener: NetListener
  readonly port: number
  accepted(): Promise<Connection>
}

async function open(host = '127.0.0.1'): Promise<Door> {
  const waiting: Connection[] = []
  const askers: ((connection: Connection) => void)[] = []
  const listener = await nodeNet.listen({
    address: { host, port: 0 },
    accepted(connection) {
      const asker = askers.shift()
      if (asker === undefined) waiting.push(connection)
      else asker(connection)
    },
    failed: () => {},
  })
  const { address } = listener
  return {
    listener,
    port: 'port' in address ? address.port : 0,
    async accepted() {
      return waiting.shift() ?? new Promise((resolve) => void askers.push(resolve))
    },
  }
}

async function meet(door: Door): Promise<{ client: Connection; server: Connection }> {
  const [server, client] = await Promise.all([
    door.accepted(),
    nodeNet.connect({ address: { host: '127.0.0.1', port: door.port }, timeoutMs: 30_000 }),
  ])
  return { client, server }
}

describe('a listener', () => {
  test('says which port it was given, and who comes from where', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    expect(door.port).toBeGreaterThan(0)
    expect(server.local).toEqual({ address: '127.0.0.1', port: door.port })
    expect(server.remote).toEqual(client.local)
    client.destroy()
    server.destroy()
    await door.listener.close()
  })

  test('shows an IPv4 client as IPv4 though it listens on IPv6', async () => {
    const door = await open('::')
    const { client, server } = await meet(door)
    expect(server.remote.address).toBe('127.0.0.1')
    client.destroy()
    server.destroy()
    await door.listener.close()
  })

  test('refuses a port that is in use', async () => {
    const door = await open()
    const second = nodeNet.listen({
      address: { host: '127.0.0.1', port: door.port },
      accepted: () => {},
      failed: () => {},
    })
    await expect(second).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    await door.listener.close()
  })

  test('refuses an address that is not ours', async () => {
    const listening = nodeNet.listen({
      address: { host: '192.0.2.1', port: 0 },
      accepted: () => {},
      failed: () => {},
    })
    await expect(listening).rejects.toMatchObject({ code: 'LISTEN_FAILED' })
  })

  test('that is closed accepts no more, and its connections live on', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    await door.listener.close()
    const late = nodeNet.connect({
      address: { host: '127.0.0.1', port: door.port },
      timeoutMs: 30_000,
    })
    await expect(late).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
    const heard = watch(client)
    server.write('still here')
    expect(await heard.first(10)).toBe('still here')
    client.destroy()
    server.destroy()
  })

  test('takes a UNIX socket too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-net-'))
    const path = join(folder, 'socket')
    const accepted = Promise.withResolvers<Connection>()
    const listener = await nodeNet.listen({
      address: { path },
      accepted: accepted.resolve,
      failed: () => {},
    })
    const client = await nodeNet.connect({ address: { path }, timeoutMs: 30_000 })
    const server = await accepted.promise
    expect(server.remote).toEqual({ address: 'unix', port: 0 })
    const heard = watch(server)
    client.write(Buffer.from('hello'))
    expect(await heard.first(5)).toBe('hello')
    client.destroy()
    server.destroy()
    await listener.close()
    rmSync(folder, { recursive: true })
  })
})

describe('a connection', () => {
  test('may go on talking after the other side has finished', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const [atServer, atClient] = [watch(server), watch(client)]
    client.end()
    expect(await atServer.ended).toBe('')
    server.write('last words')
    server.end()
    expect(await atClient.ended).toBe('last words')
    expect(await atServer.closed).toBeUndefined()
    expect(await atClient.closed).toBeUndefined()
    await door.listener.close()
  })

  test('whose peer has said its last word is closed without waiting for it, and loses nothing', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const [atServer, atClient] = [watch(server), watch(client)]
    server.write('goodbye')
    server.close()
    expect(await atServer.closed).toBeUndefined()
    expect(await atClient.ended).toBe('goodbye')
    client.destroy()
    await door.listener.close()
  })

  test('says what is said in one turn in the order of the saying, whether text or bytes', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const atClient = watch(client)
    server.write('one ')
    server.write('two ')
    server.write(Buffer.from('three '))
    server.write('four ')
    server.end()
    expect(await atClient.ended).toBe('one two three four ')
    client.destroy()
    await door.listener.close()
  })

  test('is told what came in before it is told that nothing more comes', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const told: string[] = []
    const gone = Promise.withResolvers<void>()
    server.attach({
      data: (chunk) => void told.push(chunk.toString()),
      ended: () => void told.push('ended'),
      drained: () => undefined,
      closed: () => gone.resolve(),
    })
    client.write('QUIT')
    client.destroy()
    server.end()
    await gone.promise
    expect(told).toEqual(['QUIT', 'ended'])
    await door.listener.close()
  })

  test('whose peer says much at a time can be told to wait', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const first = Promise.withResolvers<void>()
    let heard = 0
    server.attach({
      data(chunk) {
        heard += chunk.length
        server.pause()
        first.resolve()
      },
      ended: () => undefined,
      drained: () => undefined,
      closed: () => undefined,
    })
    watch(client)
    for (let sent = 0; sent < 64; sent++) client.write(Buffer.alloc(65_536))
    await first.promise
    expect(heard).toBeLessThanOrEqual(4 * 65_536)
    client.destroy()
    server.destroy()
    await door.listener.close()
  })

  test('that is told to wait hands on nothing, and afterwards to whoever is there then', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    watch(client)
    const told: string[] = []
    let heard = 0
    const waits = Promise.withResolvers<void>()
    const closed = (): void => undefined
    server.attach({
      data(chunk) {
        told.push('some')
        heard += chunk.length
        server.pause()
        waits.resolve()
      },
      ended: () => void told.push('ended too early'),
      drained: closed,
      closed,
    })
    // More than a socket reads at a time, and the end.
    client.write(Buffer.alloc(65_536 + 9))
    client.end()
    await waits.promise
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    expect(told).toEqual(['some'])
    const ends = Promise.withResolvers<void>()
    server.attach({
      data: (chunk) => void (heard += chunk.length),
      ended: () => ends.resolve(),
      drained: closed,
      closed,
    })
    server.resume()
    await ends.promise
    expect([told, heard]).toEqual([['some'], 65_536 + 9])
    server.destroy()
    await door.listener.close()
  })

  test('that waits is told when its peer hangs up, and so is who comes after it', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const told: string[] = []
    const handlers = (name: string, ended: () => void) => ({
      data: (chunk: Buffer) => {
        told.push(`${name}: ${chunk.toString()}`)
        server.pause()
      },
      ended: () => {
        told.push(`${name}: the end`)
        ended()
      },
      drained: () => undefined,
      closed: () => undefined,
    })
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    server.attach(handlers('first', first.resolve))
    client.write('PROXY')
    client.end()
    await first.promise
    server.attach(handlers('second', second.resolve))
    await second.promise
    server.resume()
    await setImmediate()
    expect(told).toEqual(['first: PROXY', 'first: the end', 'second: the end'])
    server.destroy()
    await door.listener.close()
  })

  test('that finds its peer gone hears what it said last, and then that it is gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-net-'))
    const path = join(folder, 'socket')
    const theirs = Promise.withResolvers<Socket>()
    const server = createServer(theirs.resolve).listen(path)
    await once(server, 'listening')
    const ours = await nodeNet.connect({ address: { path }, timeoutMs: 30_000 })
    const heard = watch(ours)
    const peer = await theirs.promise
    peer.write('too much')
    peer.destroy()
    // In the same turn: nothing has come in yet.
    ours.write(Buffer.from('more'))
    expect(await heard.first(8)).toBe('too much')
    expect(await heard.closed).toMatchObject({ code: 'EPIPE' })
    server.close()
    rmSync(folder, { recursive: true })
  })

  test('that is destroyed has said its last words', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const atClient = watch(client)
    server.write('too slow')
    server.destroy()
    expect(await atClient.ended).toBe('too slow')
    client.destroy()
    await door.listener.close()
  })

  test('that says much text in one turn keeps little of it, and tells of a reader who is slow', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const atServer = watch(server)
    const atClient = watch(client)
    client.pause()
    const text = 'x'.repeat(1 << 20)
    let sent = 1
    while (server.write(text) && sent < 64) sent++
    expect(sent).toBeLessThan(64)
    client.resume()
    await atServer.drained
    server.end()
    expect(await atClient.ended).toHaveLength(sent * text.length)
    client.destroy()
    await door.listener.close()
  })

  test('tells a writer to wait for a reader, and when to go on', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const [atServer, atClient] = [watch(server), watch(client)]
    client.pause()
    const chunk = Buffer.alloc(1 << 20, 'x')
    let sent = 0
    while (server.write(chunk) && sent < 64) sent++
    expect(sent).toBeLessThan(64)
    client.resume()
    await atServer.drained
    server.end()
    expect((await atClient.ended).length).toBe((sent + 1) << 20)
    client.destroy()
    await door.listener.close()
  })

  test('that is reset says so once', async () => {
    const door = await open()
    const raw = createConnection({ host: '127.0.0.1', port: door.port })
    const server = await door.accepted()
    const watching = watch(server)
    raw.once('connect', () => raw.resetAndDestroy())
    await expect(watching.closed).resolves.toBeInstanceOf(Error)
    await door.listener.close()
  })

  test('whose peer has hung up before anybody attached says so then', async () => {
    const door = await open()
    const peer = createConnection(door.port, '127.0.0.1')
    const server = await door.accepted()
    await new Promise<void>((resolve) => peer.end(resolve))
    for (let turn = 0; turn < 3; turn++) await setImmediate()
    expect(await watch(server).ended).toBe('')
    server.destroy()
    peer.destroy()
    await door.listener.close()
  })

  test('that was closed before anybody attached says so then', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    server.destroy()
    await setImmediate()
    await expect(watch(server).closed).resolves.toBeUndefined()
    client.destroy()
    await door.listener.close()
  })

  test('to nobody fails', async () => {
    const door = await open()
    await door.listener.close()
    const connecting = nodeNet.connect({
      address: { host: '127.0.0.1', port: door.port },
      timeoutMs: 30_000,
    })
    await expect(connecting).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
  })

  test('is not made for somebody who has given up', async () => {
    const signal = AbortSignal.abort()
    const address = { host: '127.0.0.1', port: 9 }
    const connecting = nodeNet.connect({ address, timeoutMs: 30_000, signal })
    await expect(connecting).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('TLS', () => {
  const serverSide = () => ({ side: 'server', context, timeoutMs: 30_000 }) as const
  const clientSide = (verify = false) =>
    ({ side: 'client', servername: 'mx.test', verify, timeoutMs: 30_000 }) as const

  test('starts on a connection that has talked already', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const [atServer, atClient] = [watch(server), watch(client)]
    server.write('220')
    expect(await atClient.first(3)).toBe('220')
    const [state] = await Promise.all([
      server.startTls(serverSide()),
      client.startTls(clientSide()),
    ])
    expect(state).toMatchObject({ protocol: 'TLSv1.3', servername: 'mx.test' })
    client.write('secret')
    expect(await atServer.first(6)).toBe('secret')
    client.end()
    server.end()
    expect(await atServer.closed).toBeUndefined()
    expect(await atClient.closed).toBeUndefined()
    await door.listener.close()
  })

  test('drops what came in before it in the clear', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const atServer = watch(server)
    watch(client)
    client.write('STARTTLS\r\nMAIL FROM:<injected@client.test>\r\n')
    expect(await atServer.first(8)).toContain('injected')
    const heard: string[] = []
    const atSecond = Promise.withResolvers<void>()
    server.attach({
      data(chunk) {
        heard.push(chunk.toString())
        atSecond.resolve()
      },
      ended: () => {},
      drained: () => {},
      closed: () => {},
    })
    await Promise.all([server.startTls(serverSide()), client.startTls(clientSide())])
    client.write('EHLO')
    await atSecond.promise
    expect(heard).toEqual(['EHLO'])
    client.destroy()
    server.destroy()
    await door.listener.close()
  })

  test('drops what came in the clear in the same turn as the word to start it', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const heard: string[] = []
    const secured = Promise.withResolvers<void>()
    const whole = Promise.withResolvers<void>()
    let isFirst = true
    server.attach({
      data(chunk) {
        if (isFirst) {
          isFirst = false
          server.write('220')
          server.startTls(serverSide()).then(() => secured.resolve(), secured.reject)
        } else {
          heard.push(chunk.toString())
          if (heard.join('').endsWith('EHLO')) whole.resolve()
        }
      },
      ended: () => {},
      drained: () => {},
      closed: () => {},
    })
    const atClient = watch(client)
    client.write(Buffer.from('STARTTLS'.padStart(65_536) + 'MAIL FROM:<injected@client.test>'))
    expect(await atClient.first(3)).toBe('220')
    await Promise.all([secured.promise, client.startTls(clientSide())])
    client.write('EHLO')
    await whole.promise
    expect(heard).toEqual(['EHLO'])
    client.destroy()
    server.destroy()
    await door.listener.close()
  })

  test('fails where the client talks in the clear instead', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const watching = watch(server)
    watch(client)
    const starting = server.startTls(serverSide())
    client.write('MAIL FROM:<injected@client.test>\r\n')
    await expect(starting).rejects.toMatchObject({ code: 'PEER_FAILED' })
    await watching.closed
    client.destroy()
    await door.listener.close()
  })

  test('fails where the client hung up before it', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const watching = watch(server)
    watch(client)
    client.write('STARTTLS')
    client.end()
    await watching.ended
    await expect(server.startTls(serverSide())).rejects.toMatchObject({ code: 'PEER_FAILED' })
    await watching.closed
    await door.listener.close()
  })

  test('is not waited for longer than its deadline', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    const watching = watch(server)
    const starting = server.startTls({ side: 'server', context, timeoutMs: 20 })
    await expect(starting).rejects.toMatchObject({ code: 'TIMEOUT' })
    await watching.closed
    client.destroy()
    await door.listener.close()
  })

  test('with a certificate that nobody signed fails for a client that verifies', async () => {
    const door = await open()
    const { client, server } = await meet(door)
    watch(server)
    const both = await Promise.allSettled([
      server.startTls(serverSide()),
      client.startTls(clientSide(true)),
    ])
    expect(both[1]).toMatchObject({ status: 'rejected', reason: { code: 'PEER_FAILED' } })
    server.destroy()
    await door.listener.close()
  })

  test.each([
    ['its own name', {}, undefined],
    ['one of the names that are asked for', { names: ['a.test', 'mx.test'] }, undefined],
    ['no name that is asked for', { names: ['a.test', 'test'] }, 'PEER_FAILED'],
    ['another name', { servername: 'a.test' }, 'PEER_FAILED'],
  ])('a certificate that is trusted is believed for %s', async (_, asked, code) => {
    const door = await open()
    const { client, server } = await meet(door)
    watch(server)
    const trust = nodeNet.tlsTrust(certificate)
    const [, handshake] = await Promise.allSettled([
      server.startTls(serverSide()),
      client.startTls({ ...clientSide(true), trust, ...asked }),
    ])
    const reason: unknown = handshake.status === 'rejected' ? handshake.reason : {}
    expect(reason).toMatchObject(code === undefined ? {} : { code })
    expect(handshake.status).toBe(code === undefined ? 'fulfilled' : 'rejected')
    client.destroy()
    server.destroy()
    await door.listener.close()
  })

  test('has no context of a certificate and somebody else’s key', () => {
    expect(() => nodeNet.tlsContext({ certificate, key: otherKey })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})
