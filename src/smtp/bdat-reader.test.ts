import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BdatReader } from './bdat-reader.ts'
import type { ContentFault, ContentRules } from './content-rules.ts'

const strict: ContentRules = { maxBytes: 0, maxLineBytes: 0, lineEnds: 'refuse', nul: 'refuse' }

interface Reading {
  readonly fault: ContentFault | undefined
  readonly content: string
  readonly used: number
}

/** Reads a message (latin1) sent in chunks that end at the given offsets, on a wire cut at others. */
function read(
  text: string,
  {
    chunks = [],
    cuts = [],
    rules = strict,
  }: { chunks?: readonly number[]; cuts?: readonly number[]; rules?: ContentRules } = {},
): Reading {
  const reader = new BdatReader(rules)
  const bytes = Buffer.from(text, 'latin1')
  const ends = [...chunks.filter((at) => at < bytes.length), bytes.length].toSorted((a, b) => a - b)
  let content = ''
  let used = 0
  ends.forEach((end, index) => {
    reader.begin({ sizeBytes: end - used, last: index === ends.length - 1 })
    while (!reader.ended) {
      const cut = Math.min(...cuts.filter((at) => at > used), bytes.length)
      const part = reader.read(bytes.subarray(used, cut))
      content += Buffer.from(part.content ?? []).toString('latin1')
      used += part.used
    }
    expect(used).toBe(end)
  })
  return { fault: reader.fault, content, used }
}

const offsets = fc.array(fc.nat(120))
const hostile = fc
  .array(
    fc.constantFrom('\r\n', '\r\n.\r\n', '.', '\r', '\n', '\0', 'x', 'BDAT 3 LAST\r\n', '\xff'),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''))
const lines = fc
  .array(fc.constantFrom('', '.', '..', 'text', 'QUIT', '\ttab\xff'), { maxLength: 20 })
  .map((each) => each.map((line) => `${line}\r\n`).join(''))

describe('a message in chunks', () => {
  test('comes out as it went in, dots and all, whatever the chunks and however the wire is cut', () => {
    fc.assert(
      fc.property(lines, offsets, offsets, (text, chunks, cuts) => {
        expect(read(text, { chunks, cuts })).toEqual({
          fault: undefined,
          content: text,
          used: text.length,
        })
      }),
      { numRuns: 500 },
    )
  })

  test('has a fault exactly where it holds a bare CR, a bare LF or a NUL, and is read to its end all the same', () => {
    fc.assert(
      fc.property(hostile, offsets, offsets, (text, chunks, cuts) => {
        const first = /\0|\r(?!\n)|(?<!\r)\n/.exec(text)?.[0]
        const faults = new Map<string | undefined, ContentFault>([
          ['\0', 'NUL'],
          ['\r', 'bare CR'],
          ['\n', 'bare LF'],
        ])
        const reading = read(text, { chunks, cuts })
        expect(reading.fault).toBe(faults.get(first))
        expect(reading.used).toBe(text.length)
      }),
      { numRuns: 1_000 },
    )
  })

  test('is mended where the rules say so, whatever the chunks', () => {
    fc.assert(
      fc.property(hostile, offsets, offsets, (text, chunks, cuts) => {
        const rules: ContentRules = { ...strict, lineEnds: 'fix' }
        const wanted = text.replace(/\r\n|\r|\n/g, '\r\n')
        const reading = read(text, { chunks, cuts, rules })
        const nul = text.includes('\0')
        expect(reading.fault).toBe(nul ? 'NUL' : undefined)
        expect(nul || reading.content === wanted).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('has lines as long as the rules allow, whatever the chunks', () => {
    fc.assert(
      fc.property(lines, offsets, offsets, (text, chunks, cuts) => {
        const longest = Math.max(0, ...text.split('\r\n').map((line) => line.length)) + 2
        const under = (maxLineBytes: number): ContentFault | undefined =>
          read(text, { chunks, cuts, rules: { ...strict, maxLineBytes } }).fault
        expect(under(longest)).toBeUndefined()
        expect(under(longest - 1)).toBe(text === '' ? undefined : 'long line')
      }),
    )
  })

  test('is lent, not copied', () => {
    const reader = new BdatReader(strict)
    const wire = Buffer.from('text\r\nQUIT\r\n')
    reader.begin({ sizeBytes: 6, last: true })
    const { used, content } = reader.read(wire)
    expect(used).toBe(6)
    expect(content?.buffer).toBe(wire.buffer)
  })

  test('is too big as soon as that is announced, and what was announced is still read', () => {
    const reader = new BdatReader({ ...strict, maxBytes: 10 })
    reader.begin({ sizeBytes: 8, last: false })
    expect(reader.read(Buffer.from('123456\r\n')).content?.length).toBe(8)
    reader.begin({ sizeBytes: 8, last: true })
    expect(reader.fault).toBe('too big')
    expect(reader.read(Buffer.from('123456\r\nQUIT\r\n'))).toEqual({ used: 8, content: undefined })
    expect(reader.ended).toBe(true)
  })

  test('that nobody could ever finish is read for as long as it comes', () => {
    const reader = new BdatReader({ ...strict, maxBytes: 10 })
    reader.begin({ sizeBytes: Number('9'.repeat(400)), last: true })
    expect(reader.read(Buffer.alloc(1_000))).toEqual({ used: 1_000, content: undefined })
    expect(reader.ended).toBe(false)
  })
})

describe('a binary message', () => {
  const binary = { ...strict, binary: true }

  test('may hold anything behind its header, wherever chunks and wire are cut', () => {
    const octets = fc.array(fc.constantFrom('\r', '\n', '\0', '.', 'x', '\r\n', '\xff'))
    fc.assert(
      fc.property(octets, fc.array(fc.nat(60)), fc.array(fc.nat(60)), (body, chunks, cuts) => {
        const text = `Subject: x\r\n\r\n${body.join('')}`
        const { fault, content } = read(text, { chunks, cuts, rules: binary })
        expect(fault).toBeUndefined()
        expect(content).toBe(text)
      }),
    )
  })

  test.each([
    ['Subject: x\ny\r\n\r\n', 'bare LF'],
    ['Subject: x\ry\r\n\r\n', 'bare CR'],
    ['Subject: \0\r\n\r\n', 'NUL'],
    ['no empty line\r', 'bare CR'],
  ] as const)('has a header that is text: %j', (text, fault) => {
    expect(read(text, { rules: binary }).fault).toBe(fault)
  })

  test('has a size all the same', () => {
    const rules = { ...binary, maxBytes: 20 }
    expect(read(`A: b\r\n\r\n${'\0'.repeat(13)}`, { rules }).fault).toBe('too big')
  })
})
