import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket as Connection } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { bothOnOnePort } from '../../../test/setup/both-ports.ts'
import { nodeDns, type NodeDnsOptions } from './dns.ts'

const types = { 1: 'A', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA' } as const
type Answer = { rcode?: number; data?: Buffer[] } | 'silence'
type Answers = (type: string, name: string) => Answer

let socket: Socket | undefined
afterEach(() => {
  socket?.close()
  socket = undefined
})

/** Of questions that get no answer; the others wait as long as a busy machine takes. */
const briefly = { timeoutMs: 250 }

/** A name server on loopback, for as long as the test runs. */
async function served(answers: Answers, options: NodeDnsOptions = {}) {
  const server = createSocket('udp4')
  socket = server
  server.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query)
    const answer = answers(type, name)
    if (answer === 'silence') return
    const { rcode = 0, data = [] } = answer
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x8580 | rcode, 2)
    header.writeUInt16BE(data.length, 6)
    const records = data.map((rdata) => {
      const record = Buffer.alloc(12)
      record.writeUInt16BE(0xc00c, 0)
      query.copy(record, 2, end - 4, end)
      record.writeUInt32BE(60, 6)
      record.writeUInt16BE(rdata.length, 10)
      return Buffer.concat([record, rdata])
    })
    header.writeUInt32BE(0, 8)
    server.send(Buffer.concat([header, query.subarray(12, end), ...records]), port, address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  const servers = [`127.0.0.1:${server.address().port}`]
  return nodeDns({ timeoutMs: 30_000, ...options, servers })
}

function questionOf(query: Buffer) {
  const labels: string[] = []
  let at = 12
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  const number = query.readUInt16BE(at + 1)
  const type = number in types ? types[number as keyof typeof types] : String(number)
  return { name: labels.join('.').toLowerCase(), type, end: at + 5 }
}

const name = (text: string) =>
  Buffer.concat(text.split('.').map((label) => Buffer.from(`\0${label}`).fill(label.length, 0, 1)))
const root = Buffer.from([0])
const v4 = Buffer.from([192, 0, 2, 1])
const v6 = Buffer.from('20010db8000000000000000000000001', 'hex')

test('without a name server to ask that is said', async () => {
  await expect(nodeDns({ servers: [] }).mx('some.test')).rejects.toThrow(
    'some.test: no name server can be asked',
  )
})

describe('an answer that is cut short by TCP too', () => {
  /** Says of every name that there is more, and of `none.test` by TCP that there is nothing. */
  const cut = (query: Buffer): Buffer => {
    const { name: asked, end } = questionOf(query)
    const reply = Buffer.from(query.subarray(0, end))
    reply.writeUInt16BE(asked === 'none.test' ? 0x8580 : 0x8780, 2)
    reply.writeUInt32BE(0, 8)
    return reply
  }

  test.each(['mx', 'txt', 'ipv4', 'addresses'] as const)(
    'is a failure, and not that there are no records: %s',
    async (question) => {
      const connections: Connection[] = []
      const tcp = createServer((connection) => {
        connections.push(connection)
        let asked = Buffer.alloc(0)
        connection.on('data', (bytes: Buffer) => {
          asked = Buffer.concat([asked, bytes])
          while (asked.length > 2 && asked.length >= 2 + asked.readUInt16BE(0)) {
            const end = 2 + asked.readUInt16BE(0)
            const reply = cut(asked.subarray(2, end))
            connection.write(Buffer.concat([Buffer.of(0, reply.length), reply]))
            asked = asked.subarray(end)
          }
        })
      })
      const { udp, port } = await bothOnOnePort(tcp)
      socket = udp.on('message', (query, from) => udp.send(cut(query), from.port, from.address))
      const dns = nodeDns({ servers: [`127.0.0.1:${port}`], timeoutMs: 30_000 })
      await expect(dns[question]('many.test')).rejects.toMatchObject({
        code: 'DNS_FAILED',
        message: expect.stringContaining('many.test: the answer is too long'),
      })
      expect(await dns[question]('none.test')).toEqual({ answer: 'no-data' })
      for (const connection of connections) connection.destroy()
      tcp.close()
    },
  )
})

describe('the DNS by node:dns', () => {
  test('addresses are those of both families', async () => {
    const dns = await served((type) => ({ data: type === 'A' ? [v4] : [v6] }))
    expect(await dns.addresses('mx.test')).toEqual({
      answer: 'found',
      records: ['192.0.2.1', '2001:db8::1'],
      ttlMs: 60_000,
    })
  })

  test('one family that can not be asked does not hide the other', async () => {
    const dns = await served((type) => (type === 'A' ? { data: [v4] } : { rcode: 2 }))
    expect(await dns.addresses('mx.test')).toMatchObject({
      answer: 'found',
      records: ['192.0.2.1'],
    })
  })

  test('mail exchangers come with their preference, the null one as an empty name', async () => {
    const dns = await served((_, asked) => ({
      data: [
        Buffer.concat([
          Buffer.from([0, 10]),
          asked === 'null.test' ? root : Buffer.concat([name('mx.test'), root]),
        ]),
      ],
    }))
    expect(await dns.mx('some.test')).toEqual({
      answer: 'found',
      records: [{ exchange: 'mx.test', preference: 10 }],
    })
    expect(await dns.mx('null.test')).toMatchObject({ records: [{ exchange: '' }] })
  })

  test('the strings of a text record are joined', async () => {
    const dns = await served(() => ({ data: [Buffer.from('\x03one\x03two')] }))
    expect(await dns.txt('t.test')).toEqual({ answer: 'found', records: ['onetwo'] })
  })

  test('the names of an address are asked in the reverse tree', async () => {
    const dns = await served((type, asked) =>
      type === 'PTR' && asked === '1.2.0.192.in-addr.arpa'
        ? { data: [Buffer.concat([name('mx.test'), root])] }
        : { rcode: 3 },
    )
    expect(await dns.reverse('192.0.2.1')).toEqual({ answer: 'found', records: ['mx.test'] })
    expect(await dns.reverse('::ffff:192.0.2.1')).toMatchObject({ answer: 'found' })
    expect(await dns.reverse('192.0.2.2')).toEqual({ answer: 'no-name' })
    expect(await dns.reverse('unix')).toEqual({ answer: 'no-name' })
  })

  test('the names of an IPv6 address are asked for digit by digit', async () => {
    const asked: string[] = []
    const dns = await served((_, question) => {
      asked.push(question)
      return { rcode: 3 }
    })
    expect(await dns.reverse('2001:db8::567:89ab')).toEqual({ answer: 'no-name' })
    expect(asked).toEqual([
      'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
    ])
  })

  test('our own address is called localhost, whatever a server says', async () => {
    const dns = await served(() => ({ rcode: 2 }))
    const localhost = { answer: 'found', records: ['localhost'] }
    expect(await dns.reverse('127.0.0.1')).toEqual(localhost)
    expect(await dns.reverse('::1')).toEqual(localhost)
  })

  test('a server that fails says nothing about the name of an address', async () => {
    const dns = await served(() => ({ rcode: 2 }))
    await expect(dns.reverse('192.0.2.1')).rejects.toMatchObject({ code: 'DNS_FAILED' })
  })

  test('no such name, and no record of that type, are answers', async () => {
    const dns = await served((_, asked) => (asked === 'gone.test' ? { rcode: 3 } : {}))
    expect(await dns.mx('gone.test')).toEqual({ answer: 'no-name' })
    expect(await dns.mx('bare.test')).toEqual({ answer: 'no-data' })
    expect(await dns.addresses('gone.test')).toEqual({ answer: 'no-name' })
    expect(await dns.addresses('bare.test')).toEqual({ answer: 'no-data' })
  })

  test('a name that can not exist does not', async () => {
    const dns = await served(() => ({ data: [] }))
    expect(await dns.mx(`${'x'.repeat(64)}.test`)).toEqual({ answer: 'no-name' })
  })

  test('a failure of the server and its silence are errors', async () => {
    const dns = await served(
      (_, asked) => (asked === 'mute.test' ? 'silence' : { rcode: 2 }),
      briefly,
    )
    await expect(dns.mx('broken.test')).rejects.toMatchObject({ code: 'DNS_FAILED' })
    await expect(dns.addresses('broken.test')).rejects.toMatchObject({ code: 'DNS_FAILED' })
    await expect(dns.txt('mute.test')).rejects.toMatchObject({ code: 'DNS_FAILED' })
  })

  test('localhost is never asked for', async () => {
    const dns = await served(() => ({ rcode: 3 }))
    expect(await dns.addresses('localhost')).toEqual({
      answer: 'found',
      records: ['127.0.0.1', '::1'],
    })
  })

  test('an asker who gives up is told at once', async () => {
    const dns = await served(() => 'silence')
    const gone = new AbortController()
    const asked = dns.mx('mute.test', gone.signal)
    gone.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('two thousand questions at once are all answered, so many in flight at a time', async () => {
    const dns = await served(() => ({ data: [Buffer.from('\x02ok')] }))
    const all = await Promise.all(
      Array.from({ length: 2000 }, async (_, i) => dns.txt(`n${i}.test`)),
    )
    expect(all.filter(({ answer }) => answer === 'found')).toHaveLength(2000)
  })

  test('a name that takes longer than others did lately is waited for all the same', async () => {
    let asked = 0
    const dns = await served((_, name) =>
      name === 'slow.test' && ++asked < 3 ? 'silence' : { data: [Buffer.from('\x02ok')] },
    )
    for (let n = 0; n < 10; n++) await dns.txt(`quick${n}.test`)
    expect(await dns.txt('slow.test')).toMatchObject({ answer: 'found', records: ['ok'] })
  })

  test('names whose servers are dead keep nobody else from being answered', async () => {
    const dns = await served(
      (_, asked) => (asked.endsWith('dead.test') ? 'silence' : { data: [Buffer.from('\x02ok')] }),
      { maxInFlight: 2 },
    )
    const gone = new AbortController()
    const dead = Array.from({ length: 6 }, async (_, i) => dns.txt(`${i}.dead.test`, gone.signal))
    const answers = Promise.allSettled(dead)
    expect(await dns.txt('some.test')).toMatchObject({ answer: 'found' })
    gone.abort()
    expect((await answers).map(({ status }) => status)).toEqual(dead.map(() => 'rejected'))
  })

  test('questions beyond the line are refused', async () => {
    const dns = await served(() => 'silence', { ...briefly, maxInFlight: 1, maxWaiting: 1 })
    const [first, second, third] = await Promise.allSettled(
      ['a.test', 'b.test', 'c.test'].map(async (asked) => dns.txt(asked)),
    )
    expect([first?.status, second?.status]).toEqual(['rejected', 'rejected'])
    expect(String(third?.status === 'rejected' && third.reason)).toContain('too many questions')
  })
})
