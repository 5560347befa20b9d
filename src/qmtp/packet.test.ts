import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { netstring } from '../formats/netstring.ts'
import type { Encoding } from './encoded-reader.ts'
import { PacketReader, type PacketProtocol } from './packet.ts'

interface Read {
  readonly state: PacketReader['state']
  readonly used: number
  readonly encoding?: Encoding
  readonly message: string
  readonly sender: string
  readonly recipients: readonly string[]
}

/** @param pieces the bytes of a connection, cut anywhere */
function read(protocol: PacketProtocol, pieces: readonly Uint8Array[]): Read {
  const content: Buffer[] = []
  let encoding: Encoding | undefined
  const reader = new PacketReader(protocol, {
    begin: (found) => void (encoding = found),
    content: (piece) => void content.push(Buffer.from(piece)),
  })
  let used = 0
  for (const piece of pieces) {
    if (reader.state !== 'more') break
    used += reader.read(Buffer.from(piece))
  }
  return {
    state: reader.state,
    used,
    message: Buffer.concat(content).toString('latin1'),
    ...reader.envelope,
    ...(encoding === undefined ? {} : { encoding }),
  }
}

const bytewise = (text: string | Uint8Array) =>
  [...Buffer.from(text)].map((byte) => Uint8Array.of(byte))

const qmtp = (message: string, sender: string, ...recipients: readonly string[]) =>
  Buffer.concat([
    netstring(message),
    netstring(sender),
    netstring(...recipients.map((each) => netstring(each))),
  ])
const qmqp = (message: string, sender: string, ...recipients: readonly string[]) =>
  netstring(...[message, sender, ...recipients].map((each) => netstring(each)))

describe('a packet of QMTP', () => {
  test('is message, sender and recipients, as its protocol shows it', () => {
    const text =
      '246:\nReceived: (qmail-queue invoked by uid 0); 29 Jul 1996 11:35:35 -0000\n'.padEnd(
        4 + 246,
        'x',
      ) + ',24:God-DSN-37@heaven.af.mil,30:26:djb@silverton.berkeley.edu,,'
    expect(read('qmtp', [Buffer.from(text)])).toMatchObject({
      state: 'done',
      used: text.length,
      encoding: 'LF',
      sender: 'God-DSN-37@heaven.af.mil',
      recipients: ['djb@silverton.berkeley.edu'],
    })
  })

  test.each([
    ['a message without its first byte', '0:,0:,0:,'],
    ['a first byte that names no encoding', '2:xy,0:,0:,'],
    ['a message that is longer than it said', '3:\nab'.concat('c,')],
    ['a message that is shorter than it said', '9:\nab,0:,0:,\n\n'],
    ['a length that begins with a zero', '03:\nab,0:,0:,'],
    ['a length without end', '99999999999999999999999999'],
    ['a message of eleven digits', '10000000000:'],
    ['a sender of more than a megabyte', '2:\na,1048577:'],
    ['a list of more than a megabyte', '2:\na,0:,1048577:'],
    ['a recipient that is longer than its list', '2:\na,0:,5:4:abcd,,'],
    ['a list that ends within a length', '2:\na,0:,1:4,'],
    ['a list with something behind its last recipient', '2:\na,0:,5:1:a,x,'],
    ['SMTP', 'EHLO client.test\r\n'],
    ['HTTP', 'GET / HTTP/1.1\r\n'],
    ['nothing but a comma', ','],
  ])('is broken by %s', (_what, text) => {
    for (const pieces of [[Buffer.from(text)], bytewise(text)]) {
      expect(read('qmtp', pieces).state).toBe('broken')
    }
  })

  test('ends where it says with addresses that are too long, of which the beginning is kept', () => {
    const long = 'a'.repeat(70_000)
    const packet = qmtp('\n', long, 'b@c', long)
    for (const pieces of [[packet], bytewise(packet.toString('latin1'))]) {
      const { state, sender, recipients } = read('qmtp', pieces)
      expect([state, sender?.length, recipients?.map(({ length }) => length)]).toEqual([
        'done',
        1001,
        [3, 1001],
      ])
    }
  })

  test('may have no sender, no recipient, and no message but its first byte', () => {
    expect(read('qmtp', [qmtp('\r', '')])).toMatchObject({
      state: 'done',
      encoding: 'CRLF',
      message: '',
      sender: '',
      recipients: [],
    })
    expect(read('qmtp', [qmtp('\n', '', '')])).toMatchObject({ state: 'done', recipients: [''] })
  })
})

describe('a packet of QMQP', () => {
  test('is one netstring around all', () => {
    expect(read('qmqp', [qmqp('a\nb\n', 'x@y', 'c@d', '')])).toMatchObject({
      state: 'done',
      encoding: 'LF',
      message: 'a\nb\n',
      sender: 'x@y',
      recipients: ['c@d', ''],
    })
    expect(read('qmqp', [qmqp('', '')])).toMatchObject({ state: 'done', recipients: [] })
  })

  test.each([
    ['a message that is longer than the packet', '5:9:abc'],
    ['a packet without a sender', '4:1:a,,'],
    ['a packet that ends within a recipient', '12:1:a,0:,9:abc'],
    ['a packet that goes on behind its end', '10:1:a,0:,1:b,x'],
    ['a packet of nothing', '0:,'],
  ])('is broken by %s', (_what, text) => {
    for (const pieces of [[Buffer.from(text)], bytewise(text)]) {
      expect(read('qmqp', pieces).state).toBe('broken')
    }
  })
})

const address = fc.string({ unit: 'binary-ascii', maxLength: 40 })
const packets = fc.tuple(
  fc.constantFrom('qmtp', 'qmqp'),
  fc.string({ unit: 'binary-ascii' }),
  address,
  fc.array(address, { maxLength: 5 }),
)

test('packets come out as they went in, however they are cut, and what follows is left alone', () => {
  fc.assert(
    fc.property(packets, fc.array(fc.nat(300), { maxLength: 6 }), (packet, cuts) => {
      const [protocol, message, sender, recipients] = packet
      const bytes =
        protocol === 'qmtp'
          ? qmtp(`\n${message}`, sender, ...recipients)
          : qmqp(message, sender, ...recipients)
      const whole = Buffer.concat([bytes, Buffer.from('7:behind')])
      const at = [0, ...cuts.map((cut) => cut % whole.length).toSorted((a, b) => a - b)]
      const pieces = at.map((from, index) => whole.subarray(from, at[index + 1]))
      const expected = { state: 'done', used: bytes.length, message, sender, recipients }
      expect(read(protocol, pieces)).toMatchObject(expected)
      expect(read(protocol, bytewise(whole))).toMatchObject(expected)
    }),
  )
})

test('whatever comes, cut or whole, is the same to the reader, and ends', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.stringMatching(/^[0-9:,a\n\r]{0,60}$/).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(fc.constantFrom('qmtp', 'qmqp'), bytes, (protocol, all) => {
      expect(read(protocol, bytewise(all))).toEqual(read(protocol, [all]))
    }),
  )
})
