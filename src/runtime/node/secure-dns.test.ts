import { createServer } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bothOnOnePort } from '../../../test/setup/both-ports.ts'
import { encodeQuestion, parseResponse } from './dns-message.ts'
import { nodeSecureDns } from './secure-dns.ts'

/** What a server makes of a question: the same with answers behind it. */
function respond(
  question: Buffer,
  flags: number,
  records: readonly Buffer[] = [],
  owner = 12,
): Buffer {
  const asked = question.subarray(12, question.length - 11)
  const header = Buffer.from(question.subarray(0, 12))
  header.writeUInt16BE(0x80_00 | flags, 2)
  header.writeUInt16BE(records.length, 6)
  header.writeUInt16BE(0, 10)
  const answers = records.map((data) => {
    const fixed = Buffer.alloc(12)
    fixed.writeUInt16BE(0xc0_00 | owner, 0)
    asked.copy(fixed, 2, asked.length - 4, asked.length - 2)
    fixed.writeUInt16BE(1, 4)
    fixed.writeUInt16BE(data.length, 10)
    return Buffer.concat([fixed, data])
  })
  return Buffer.concat([header, asked, ...answers])
}

/** An alias in front of the records: the name asked for leads to `real.` and the rest of that name. */
function aliased(question: Buffer, records: readonly Buffer[] = []): Buffer {
  const asked = question.length - 11
  const response = respond(question, ad, records, asked + 12)
  const target = Buffer.of(4, ...Buffer.from('ReaL'), 0xc0, 12 + 1 + (question[12] ?? 0))
  const cname = Buffer.concat([
    Buffer.of(0xc0, 0x0c, 0, 5, 0, 1, 0, 0, 0, 9, 0, target.length),
    target,
  ])
  response.writeUInt16BE(records.length + 1, 6)
  return Buffer.concat([response.subarray(0, asked), cname, response.subarray(asked)])
}

const ad = 0x20
const tc = 0x02_00
const tlsa = Buffer.from([3, 1, 1, ...Array.from({ length: 32 }, () => 7)])

/** @param more.timeoutMs as long as a busy machine takes, where an answer is expected */
async function server(
  answer: (question: Buffer) => Buffer | undefined,
  { overTcp, timeoutMs = 30_000 }: { overTcp?: typeof answer; timeoutMs?: number } = {},
) {
  const tcp = createServer((socket) =>
    socket.on('data', (bytes: Buffer) => {
      const response = overTcp?.(bytes.subarray(2)) ?? Buffer.alloc(0)
      socket.write(Buffer.from([response.length >> 8, response.length & 255]))
      socket.end(response)
    }),
  )
  const { udp, port } = await bothOnOnePort(tcp)
  udp.on('message', (question, from) => {
    const response = answer(question)
    if (response !== undefined) udp.send(response, from.port, from.address)
  })
  return {
    dns: nodeSecureDns({ servers: [`127.0.0.1:${port}`], timeoutMs }),
    close: () => {
      udp.close()
      tcp.close()
    },
  }
}

describe('a question about DNSSEC', () => {
  test('gets the records, and the resolver’s word on them', async () => {
    for (const [flags, secure] of [
      [ad, true],
      [0, false],
    ] as const) {
      const { dns, close } = await server((question) => respond(question, flags, [tlsa]))
      expect(await dns.tlsa('_25._tcp.mx.test')).toEqual({
        secure,
        records: [{ usage: 3, selector: 1, matchingType: 1, data: tlsa.subarray(3) }],
      })
      expect(await dns.isMxSecure('mx.test')).toBe(secure)
      expect(await dns.host('mx.test')).toEqual({ secure, canonicalName: 'mx.test' })
      close()
    }
  })

  test('about a host that is an alias is told where that leads', async () => {
    const { dns, close } = await server((question) => aliased(question, [Buffer.alloc(4)]))
    expect(await dns.host('mx.test')).toEqual({ secure: true, canonicalName: 'real.test' })
    close()
  })

  test('whose answer is cut short by TCP too fails: there may be records beyond it', async () => {
    const cut = (question: Buffer): Buffer => respond(question, ad | tc)
    const { dns, close } = await server(cut, { overTcp: cut })
    await expect(dns.tlsa('_25._tcp.mx.test')).rejects.toMatchObject({ code: 'DNS_FAILED' })
    close()
  })

  test('that is answered by "no such name" has no records, securely or not', async () => {
    const { dns, close } = await server((question) => respond(question, ad | 3))
    expect(await dns.tlsa('_25._tcp.mx.test')).toEqual({ secure: true, records: [] })
    close()
  })

  test('is that of the name asked for alone: where it is of others only, it fails', async () => {
    const stranger = (question: Buffer, ours: readonly Buffer[]): Buffer => {
      const response = respond(question, ad, ours)
      response.writeUInt16BE(ours.length + 1, 6)
      const record = Buffer.from(
        '\x01x\x04test\x00\x00\x34\x00\x01\x00\x00\x00\x09\x00\x04',
        'latin1',
      )
      return Buffer.concat([response, record, Buffer.from([3, 1, 0, 9])])
    }
    const answered = await server((question) => stranger(question, [tlsa]))
    expect((await answered.dns.tlsa('_25._tcp.mx.test')).records).toHaveLength(1)
    answered.close()
    const mistaken = await server((question) => stranger(question, []))
    const asking = mistaken.dns.tlsa('_25._tcp.mx.test')
    await expect(asking).rejects.toMatchObject({ code: 'DNS_FAILED' })
    mistaken.close()
  })

  test('is asked again by TCP where the answer does not fit', async () => {
    const { dns, close } = await server((question) => respond(question, tc), {
      overTcp: (question) => respond(question, ad, [tlsa, tlsa]),
    })
    expect((await dns.tlsa('_25._tcp.mx.test')).records).toHaveLength(2)
    close()
  })

  test.each([
    ['by SERVFAIL, as bogus names are', (question: Buffer) => respond(question, 2)],
    ['not at all', () => undefined],
    [
      'by another id',
      (question: Buffer) => Buffer.concat([Buffer.of(0, 0), respond(question, ad).subarray(2)]),
    ],
    [
      'about another name',
      (question: Buffer) => respond(encodeQuestion(question.readUInt16BE(0), 'x.test', 'TLSA'), ad),
    ],
  ])('that is answered %s fails', async (_, answer) => {
    const { dns, close } = await server(
      // Zero is the id of nobody's question.
      (question) => (question.readUInt16BE(0) === 0 ? undefined : answer(question)),
      { timeoutMs: 300 },
    )
    await expect(dns.tlsa('_25._tcp.mx.test')).rejects.toMatchObject({ code: 'DNS_FAILED' })
    close()
  })

  test('is not waited for by somebody who has given up', async () => {
    const { dns, close } = await server(() => undefined)
    const asking = dns.isMxSecure('mx.test', AbortSignal.abort())
    await expect(asking).rejects.toMatchObject({ code: 'ABORTED' })
    close()
  })
})

test('any bytes are an answer, none, or broken, and nothing else', () => {
  const question = encodeQuestion(7, 'mx.test', 'TLSA')
  const starts = fc.constantFrom(respond(question, ad, [tlsa]), aliased(question, [tlsa]))
  const cut = fc.tuple(starts, fc.nat(200)).map(([start, at]) => start.subarray(0, at))
  const changed = fc
    .tuple(starts, fc.nat(), fc.nat(255))
    .map(([start, from, byte]) => [start, from % start.length, byte] as const)
    .map(([start, at, byte]) =>
      Buffer.concat([start.subarray(0, at), Buffer.of(byte), start.subarray(at + 1)]),
    )
  const anything = fc.uint8Array().map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(cut, changed, anything), (bytes) => {
      let code = 'none'
      try {
        parseResponse(bytes, question)
      } catch (error) {
        code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      }
      expect(['none', 'DNS_FAILED']).toContain(code)
    }),
  )
})

test.each(['', 'a..b', 'x'.repeat(64), `${'abc.'.repeat(70)}test`])('%j is no name', (name) => {
  expect(() => encodeQuestion(1, name, 'A')).toThrow(
    expect.objectContaining({ code: 'DNS_FAILED' }),
  )
})
