/** A real clamd: EICAR in every encoding and nesting, through the plugin and the real network. */
import { gzipSync } from 'node:zlib'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clamav } from '../../plugins/clamav/clamav.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { nodeNet } from '../../src/runtime/node/net.ts'
import { pluginUnderTest } from '../../src/testkit/plugin-under-test.ts'
import { isMissing } from '../setup/components.ts'
import { eicar, startClamd, streamMaxBytes, type Clamd } from './clamd.ts'

const bytes = Buffer.from(eicar, 'latin1')

function part(body: string, fields: Readonly<Record<string, string>>): string {
  const header = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${header.join('')}\r\n${body}\r\n`
}

function multipart(parts: readonly string[], boundary = 'b1'): string {
  const inside = parts.map((each) => `--${boundary}\r\n${each}`).join('')
  return `MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n${inside}--${boundary}--\r\n`
}

const mail = (rest: string): string =>
  `From: alice@client.test\r\nTo: bob@postern.test\r\nSubject: parts\r\nDate: Sat, 21 Nov 2026 08:00:00 +0000\r\n${rest}`

const base64 = (data: Uint8Array): string =>
  part(
    Buffer.from(data)
      .toString('base64')
      .replace(/.{1,76}/g, '$&\r\n'),
    {
      'Content-Type': 'application/octet-stream; name="attached.bin"',
      'Content-Transfer-Encoding': 'base64',
      'Content-Disposition': 'attachment; filename="attached.bin"',
    },
  )

const quotedPrintable = [...bytes]
  .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
  .join('')
  .replace(/.{1,72}/g, '$&=\r\n')

function uuencoded(): string {
  const lines = []
  for (let at = 0; at < bytes.length; at += 45) {
    const line = bytes.subarray(at, at + 45)
    const padded = Buffer.concat([line, Buffer.alloc((3 - (line.length % 3)) % 3)])
    let out = String.fromCharCode(32 + line.length)
    for (let three = 0; three < padded.length; three += 3) {
      const bits = padded.readUIntBE(three, 3)
      for (const shift of [18, 12, 6, 0]) out += String.fromCharCode(32 + ((bits >> shift) & 63))
    }
    lines.push(out.replaceAll(' ', '`'))
  }
  return `begin 644 eicar.com\r\n${lines.join('\r\n')}\r\n\`\r\nend\r\n`
}

/** One file in a tar archive (POSIX 1003.1-1990). */
function tar(data: Buffer): Buffer {
  const header = Buffer.alloc(512)
  header.write('eicar.com', 0)
  header.write('0000644\0', 100)
  header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0        0', 136)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, data, Buffer.alloc(512 - (data.length % 512) + 1024)])
}

const nested = (depth: number): string =>
  depth === 0
    ? base64(bytes)
    : multipart([part('text', { 'Content-Type': 'text/plain' }), nested(depth - 1)], `b${depth}`)

const infected: readonly (readonly [how: string, message: string])[] = [
  ['in the body', mail(`\r\n${eicar}\r\n`)],
  ['in base64', mail(multipart([base64(bytes)]))],
  [
    'in quoted-printable',
    mail(
      multipart([
        part(quotedPrintable, {
          'Content-Type': 'application/octet-stream',
          'Content-Transfer-Encoding': 'quoted-printable',
        }),
      ]),
    ),
  ],
  ['uuencoded in the text', mail(`\r\nhello\r\n\r\n${uuencoded()}`)],
  ['as an image, by its type', mail(multipart([base64(bytes).replace('octet-stream', 'x-png')]))],
  ['in a zip', mail(multipart([base64(zipSync({ 'sneaky.txt': bytes }))]))],
  [
    'in a zip in a zip',
    mail(multipart([base64(zipSync({ 'in.zip': zipSync({ 'eicar.com': bytes }) }))])),
  ],
  ['in a gzip', mail(multipart([base64(gzipSync(bytes))]))],
  ['in a tar in a gzip', mail(multipart([base64(gzipSync(tar(bytes)))]))],
  [
    'in a message in a message',
    mail(
      multipart([
        part(mail(multipart([base64(bytes)], 'inner')), { 'Content-Type': 'message/rfc822' }),
      ]),
    ),
  ],
  ['five multiparts deep', mail(nested(5))],
]

describe.skipIf(isMissing('clamd'))('clamav with a real clamd', () => {
  let clamd: Clamd
  beforeAll(async () => void (clamd = await startClamd()), 60_000)
  afterAll(async () => clamd.stop())

  const under = (options: Readonly<Record<string, string | number | readonly string[]>> = {}) =>
    pluginUnderTest(clamav, {
      options: { servers: [clamd.socket], ...options },
      doors: { net: nodeNet, clock: systemClock },
    })

  test.each(infected)('finds EICAR %s', async (_, message) => {
    expect(await under().message(message)).toMatchObject({
      verdict: 'reject',
      evidence: { signature: 'Postern.Test.EICAR.UNOFFICIAL' },
    })
  })

  test('lets innocent mail through, over TCP too', async () => {
    const plugin = under({ servers: [`127.0.0.1:${clamd.port}`] })
    const message = mail(multipart([base64(Buffer.from('hello'))]))
    expect(await plugin.message(message)).toMatchObject({
      verdict: 'pass',
      findings: [{ value: { result: 'clean' } }],
    })
  })

  test('does as configured with what clamd finds too large', async () => {
    const large = mail(`\r\n${`${'x'.repeat(70)}\r\n`.repeat(60_000)}`)
    expect(large.length).toBeGreaterThan(streamMaxBytes)
    expect(await under({ too_large: 'quarantine' }).message(large)).toMatchObject({
      verdict: 'quarantine',
      reason: 'VIRUS_SCAN_TOO_LARGE',
    })
  })

  test('goes on to the next where one is down', async () => {
    const servers = ['/nowhere/clamd.sock', clamd.socket]
    expect(await under({ servers }).message(mail('\r\nhello\r\n'))).toMatchObject({
      verdict: 'pass',
    })
  })

  test('says which clamd it is', async () => {
    expect(await under().probe()).toMatch(/clamd\.sock: ClamAV \d/)
  })
})
