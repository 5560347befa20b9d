import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseProxyHeader, type ProxyHeader } from './proxy-protocol.ts'

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

function v2(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from([0x20 | command, family, body.length >> 8, body.length & 0xff])
  return Buffer.concat([signature, head, body])
}

function tlv(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value])
}

const ipv4Body = Buffer.from([192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 0, 25])
const ipv4Facts = {
  remote: { address: '192.0.2.7', port: 40_000 },
  local: { address: '198.51.100.1', port: 25 },
}

function header(bytes: Buffer | string): ProxyHeader | 'broken' | 'more' {
  const step = parseProxyHeader(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  return step.state === 'done' ? step.value : step.state
}

describe('version 1', () => {
  test('names both ends, over IPv4 and IPv6', () => {
    expect(header('PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n')).toEqual(ipv4Facts)
    expect(header('PROXY TCP6 2001:DB8::7 2001:db8:0:0::1 1 25\r\n')).toEqual({
      remote: { address: '2001:db8::7', port: 1 },
      local: { address: '2001:db8::1', port: 25 },
    })
  })

  test('writes an IPv4 address in IPv6 form as what it is', () => {
    expect(header('PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 40000 25\r\n')).toEqual(
      ipv4Facts,
    )
  })

  test('with UNKNOWN leaves the connection as it is', () => {
    expect(header('PROXY UNKNOWN\r\n')).toBe('own')
    expect(header('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n')).toBe('own')
  })

  test.each([
    'PROXY\r\n',
    'PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 1 02\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n',
    'PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n',
    'EHLO client.test\r\n',
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
  ])('that is not exact is broken: %j', (line) => {
    expect(header(line)).toBe('broken')
  })
})

describe('version 2', () => {
  test('names both ends, over IPv4 and IPv6', () => {
    expect(header(v2(1, 0x11, ipv4Body))).toEqual(ipv4Facts)
    const body = Buffer.alloc(36)
    body[0] = 0xfe
    body[31] = 1
    body.writeUInt16BE(25, 34)
    expect(header(v2(1, 0x21, body))).toEqual({
      remote: { address: 'fe00::', port: 0 },
      local: { address: '::1', port: 25 },
    })
  })

  test('of the proxy itself leaves the connection as it is, whatever else it says', () => {
    expect(header(v2(0, 0, Buffer.alloc(0)))).toBe('own')
    expect(header(v2(0, 0x11, ipv4Body))).toBe('own')
    expect(header(v2(1, 0, Buffer.from('anything')))).toBe('own')
    expect(header(v2(1, 0x31, Buffer.alloc(216)))).toBe('own')
  })

  test('tells of the TLS that ended at the proxy', () => {
    const ssl = Buffer.concat([
      Buffer.from([0x01, 0, 0, 0, 0]),
      tlv(0x21, Buffer.from('TLSv1.3')),
      tlv(0x23, Buffer.from('TLS_AES_256_GCM_SHA384')),
    ])
    const body = Buffer.concat([ipv4Body, tlv(0x02, Buffer.from('mx.test')), tlv(0x20, ssl)])
    expect(header(v2(1, 0x11, body))).toEqual({
      ...ipv4Facts,
      tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', servername: 'mx.test' },
    })
    const plain = Buffer.concat([ipv4Body, tlv(0x20, Buffer.from([0x00, 0, 0, 0, 0]))])
    expect(header(v2(1, 0x11, plain))).toEqual(ipv4Facts)
  })

  test.each([
    ['of another version', Buffer.concat([signature, Buffer.from([0x11, 0x11, 0, 0])])],
    ['with another command', v2(2, 0x11, ipv4Body)],
    ['for UDP', v2(1, 0x12, ipv4Body)],
    ['of an unknown family', v2(1, 0x41, ipv4Body)],
    ['whose addresses are cut short', v2(1, 0x11, ipv4Body.subarray(1))],
    [
      'with a value longer than the header',
      v2(1, 0x11, Buffer.concat([ipv4Body, Buffer.from([4, 0, 9, 1])])),
    ],
    [
      'longer than any real one',
      v2(1, 0x11, Buffer.concat([ipv4Body, tlv(4, Buffer.alloc(2_000))])),
    ],
  ])('%s is broken', (_, bytes) => {
    expect(header(bytes)).toBe('broken')
  })
})

test('a header that comes byte by byte is the same header, and what follows is not its', () => {
  const endpoint = fc.oneof(fc.ipV4(), fc.ipV6())
  const port = fc.nat(65_535)
  fc.assert(
    fc.property(endpoint, endpoint, port, port, fc.string(), (from, to, fromPort, toPort, rest) => {
      fc.pre(from.includes(':') === to.includes(':'))
      const family = from.includes(':') ? 'TCP6' : 'TCP4'
      const line = `PROXY ${family} ${from} ${to} ${fromPort} ${toPort}\r\n`
      const bytes = Buffer.from(line + rest, 'latin1')
      for (let length = 0; length < line.length; length++) {
        expect(header(bytes.subarray(0, length))).toBe('more')
      }
      const step = parseProxyHeader(bytes)
      expect(step).toMatchObject({ state: 'done', usedBytes: line.length })
      expect(header(line)).toMatchObject({ remote: { port: fromPort }, local: { port: toPort } })
    }),
  )
})

test('whatever comes, it is decided within 1,024 bytes, and more bytes change no decision', () => {
  const start = fc.constantFrom(
    Buffer.from('PROXY '),
    signature,
    v2(1, 0x11, ipv4Body),
    Buffer.alloc(0),
  )
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 200 }), (beginning, bytes) => {
      const all = Buffer.concat([beginning, bytes])
      const whole = parseProxyHeader(all)
      const padded = parseProxyHeader(Buffer.concat([all, Buffer.alloc(1_024, 0x20)]))
      expect(padded.state).not.toBe('more')
      expect(whole.state === 'more' ? padded : whole).toEqual(padded)
    }),
  )
})
