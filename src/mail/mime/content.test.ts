import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { Base64Decoder } from './base64.ts'
import { contentOf } from './content.ts'
import { QuotedPrintableDecoder } from './quoted-printable.ts'
import type { TransferEncoding } from './tree.ts'
import { UuDecoder } from './uuencode.ts'

interface Decoder {
  push(chunk: Uint8Array): Uint8Array
  end(): Uint8Array
}

function decode(decoder: Decoder, bytes: Uint8Array, size = 65_536): Buffer {
  const out: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size)
    out.push(decoder.push(bytes.subarray(at, at + size)))
  return Buffer.concat([...out, decoder.end()])
}

const text = (decoder: Decoder, source: string): string =>
  decode(decoder, Buffer.from(source, 'latin1')).toString('latin1')

const uuLine = (bytes: Buffer): string =>
  [
    bytes.length,
    ...Array.from({ length: Math.ceil(bytes.length / 3) }, (_, group) => {
      const at = group * 3
      const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
      return [18, 12, 6, 0].map((shift) => (bits >> shift) & 63)
    }).flat(),
  ]
    .map((six) => String.fromCharCode(six === 0 ? 0x60 : six + 0x20))
    .join('')

describe('base64', () => {
  test.each([
    ['aGVsbG8=', 'hello'],
    ['aGVs\r\nbG8=\r\n', 'hello'],
    ['aGVsbG8', 'hello'],
    ['a!G-V s_b G8=', 'hello'],
    ['aGk=aGk=', 'hihi'],
    ['====aGk=', 'hi'],
    ['a', ''],
    ['', ''],
  ])('%j is %j', (source, decoded) => {
    expect(text(new Base64Decoder(), source)).toBe(decoded)
  })

  test('of any bytes gives them back, however it is divided', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 80 }),
        (bytes, size) => {
          const source = Buffer.from(bytes).toString('base64').replaceAll(/.{76}/g, '$&\r\n')
          expect([...decode(new Base64Decoder(), Buffer.from(source), size)]).toEqual([...bytes])
        },
      ),
    )
  })
})

describe('quoted-printable', () => {
  test.each([
    ['a=3Db', 'a=b'],
    ['a=3db', 'a=b'],
    ['soft=\r\nbreak', 'softbreak'],
    ['soft= \t\r\nbreak', 'softbreak'],
    ['soft=\nbreak', 'softbreak'],
    ['blank \t\r\nend', 'blank\r\nend'],
    ['a b\tc', 'a b\tc'],
    ['a=zz', 'a=zz'],
    ['a=4', 'a=4'],
    ['a=', 'a'],
    ['a ', 'a'],
  ])('%j is %j', (source, decoded) => {
    expect(text(new QuotedPrintableDecoder(), source)).toBe(decoded)
  })

  const pieces = fc.constantFrom(
    '=',
    '=4',
    '1',
    'x',
    ' ',
    '\t',
    '\r',
    '\n',
    '\r\n',
    '=\r\n',
    '=3D',
    ' '.repeat(1025),
  )

  test('gives the same, however it is divided', () => {
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        (all, size) => {
          const source = Buffer.from(all.join(''))
          expect(decode(new QuotedPrintableDecoder(), source, size)).toEqual(
            decode(new QuotedPrintableDecoder(), source),
          )
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('uuencode', () => {
  test('gives what stands between begin and end, with its name', () => {
    const decoder = new UuDecoder()
    const source = `Hello\r\nbegin 644 a b.exe\r\n${uuLine(Buffer.from('MZ\0binary'))}\r\n\`\r\nend\r\nBye\r\n`
    expect(text(decoder, source)).toBe('MZ\0binary')
    expect(decoder.name).toBe('a b.exe')
  })

  test('of any bytes gives them back, however it is divided', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 45 }),
        fc.integer({ min: 1, max: 20 }),
        (bytes, size) => {
          const source = Buffer.from(`begin 644 x\n${uuLine(Buffer.from(bytes))}\nend\n`)
          expect([...decode(new UuDecoder(), source, size)]).toEqual([...bytes])
        },
      ),
    )
  })
})

describe('the content of a part', () => {
  const read = async (
    body: string,
    encoding: TransferEncoding,
    maxBytes = 1000,
  ): Promise<string> => {
    const source = memoryMessage(`\r\n${body}`)
    const part = { bodyRange: { offset: 2, length: body.length }, encodings: [encoding] as const }
    return (await contentOf(source, part, { maxBytes })).toString('latin1')
  }

  test('is decoded by its encoding, and one that nobody knows is none', async () => {
    expect(await read('aGVsbG8=', 'base64')).toBe('hello')
    expect(await read('a=3Db', 'quoted-printable')).toBe('a=b')
    expect(await read('aGVsbG8=', 'unknown')).toBe('aGVsbG8=')
  })

  test('is cut where the reader wants no more', async () => {
    expect(await read('aGVsbG8=', 'base64', 3)).toBe('hel')
    expect(await read('hello', 'identity', 0)).toBe('')
  })
})
