import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContentFault, ContentRules } from './content-rules.ts'
import { DataReader } from './data-reader.ts'

const strict: ContentRules = { maxBytes: 0, maxLineBytes: 0, lineEnds: 'refuse', nul: 'refuse' }

interface Reading {
  readonly ended: boolean
  readonly fault: ContentFault | undefined
  /** What was kept before the end or the fault. */
  readonly content: string
  readonly sizeBytes: number
  readonly used: number
}

/** Reads bytes (latin1) cut at the given offsets. */
function read(
  text: string,
  cuts: readonly number[] = [],
  rules: Partial<ContentRules> = {},
): Reading {
  const bytes = Buffer.from(text, 'latin1')
  const reader = new DataReader({ ...strict, ...rules })
  const ends = [...new Set(cuts)]
    .filter((cut) => cut > 0 && cut < bytes.length)
    .toSorted((a, b) => a - b)
  let content = ''
  let used = 0
  let start = 0
  for (const end of [...ends, bytes.length]) {
    if (reader.ended) break
    const part = reader.read(bytes.subarray(start, end))
    content += Buffer.from(part.content ?? []).toString('latin1')
    used += part.used
    start = end
  }
  const { ended, fault, sizeBytes } = reader
  return { ended, fault, content, sizeBytes, used }
}

/** The same, by RFC 5321 read literally: only the first CRLF.CRLF ends, DATA's own CRLF counting. */
function expectedUsed(text: string): number {
  const end = `\r\n${text}`.indexOf('\r\n.\r\n')
  return end === -1 ? text.length : end + 3
}

const everyOffset = (text: string): number[] => Array.from({ length: text.length }, (_, i) => i)
const byteByByte = (text: string): Reading => read(text, everyOffset(text))

const byteByByteUnder = (text: string, rules: Partial<ContentRules>): string =>
  read(text, everyOffset(text), rules).content

const line = fc
  .array(
    fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 10 && byte !== 13),
    { maxLength: 80 },
  )
  .map((bytes) => String.fromCharCode(...bytes))
const dottyLine = fc.oneof(line, fc.constantFrom('', '.', '..', '...', '.x'))
const cuts = fc.array(fc.nat(2_000))
/** Bytes of which most matter. */
const hostile = fc
  .array(
    fc.constantFrom(
      '\r\n',
      '.',
      '\r\n.\r\n',
      '\r',
      '\n',
      '\0',
      'x',
      '\r\n.',
      'text of some length ',
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''))
const anyBytes = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'))

describe('a message in DATA', () => {
  test('comes out as it went in, whatever dots it holds and however it is cut', () => {
    fc.assert(
      fc.property(fc.array(dottyLine, { maxLength: 40 }), cuts, (lines, at) => {
        const message = lines.map((text) => `${text}\r\n`).join('')
        const stuffed = lines
          .map((text) => `${text.startsWith('.') ? '.' : ''}${text}\r\n`)
          .join('')
        const wire = `${stuffed}.\r\nNOOP\r\n`
        expect(read(wire, at)).toEqual({
          ended: true,
          fault: undefined,
          content: message,
          sizeBytes: message.length,
          used: stuffed.length + 3,
        })
      }),
      { numRuns: 300 },
    )
  })

  test('may be empty', () => {
    expect(read('.\r\n')).toMatchObject({ ended: true, content: '', used: 3 })
  })

  test('ends on the first CRLF.CRLF and on nothing else, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, anyBytes), cuts, (text, at) => {
        const reading = read(text, at)
        expect(reading.used).toBe(expectedUsed(text))
        expect(reading.ended).toBe(`\r\n${text}`.includes('\r\n.\r\n'))
      }),
      { numRuns: 1_000 },
    )
  })

  test('is read alike whole, cut anywhere, and byte by byte', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, anyBytes), cuts, (text, at) => {
        const whole = read(text)
        const { content, ...rest } = read(text, at)
        expect(rest).toMatchObject({ ended: whole.ended, fault: whole.fault, used: whole.used })
        expect(whole.fault === undefined ? content : whole.content).toBe(whole.content)
        expect(byteByByte(text)).toMatchObject({ ended: whole.ended, fault: whole.fault })
      }),
      { numRuns: 500 },
    )
  })

  test('has a fault exactly where it holds a bare CR, a bare LF or a NUL', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { used, fault } = read(`${text}\r\n.\r\n`)
        const data = `${text}\r\n.\r\n`.slice(0, used)
        const first = data.search(/\0|\r(?!\n)|(?<!\r)\n/)
        const faults = new Map<string | undefined, ContentFault>([
          ['\0', 'NUL'],
          ['\r', 'bare CR'],
          ['\n', 'bare LF'],
        ])
        expect(fault).toBe(first === -1 ? undefined : faults.get(data[first]))
      }),
      { numRuns: 500 },
    )
  })

  test('is lent, not copied, where no dot is taken out', () => {
    const chunk = Buffer.from('one\r\ntwo\r\n.\r\n')
    const { content } = new DataReader(strict).read(chunk)
    expect(content?.buffer).toBe(chunk.buffer)
    expect(Buffer.from(content ?? []).toString()).toBe('one\r\ntwo\r\n')
  })
})

describe('what looks like an end of data', () => {
  const variants = [
    '\n.\n',
    '\n.\r\n',
    '\r\n.\n',
    '\r.\r',
    '\r.\r\n',
    '\r\n.\r',
    '\n.\r',
    '\r.\n',
    '\r\n.\0\r\n',
    '\r\n\0.\r\n',
    '\r\0\n.\r\n',
    '\r\n.\r\0\n',
    '\r\n.\r\r\n',
    '\r\r\n.\r\r\n',
    '\n\n.\r\n',
    '\r\n.\n\r\n',
    '\r\n.\x0b\r\n',
    '\r\n. \r\n',
    '\r\n.\x85',
    '\u0085.\u0085',
  ]

  test.each(variants)('%j is no end, at every cut', (variant) => {
    const text = `first${variant}MAIL FROM:<smuggled@client.test>`
    for (const at of everyOffset(text)) expect(read(text, [at]).ended).toBe(false)
    expect(byteByByte(text).ended).toBe(false)
    const rest = byteByByte(`${text}\r\n.\r\nQUIT\r\n`)
    expect(rest).toMatchObject({ ended: true, used: text.length + 5 })
  })

  test('is refused where it is made of what no mail may hold', () => {
    expect(byteByByte('a\n.\r\nb\r\n.\r\n').fault).toBe('bare LF')
    expect(byteByByte('a\r\n.\rb\r\n.\r\n').fault).toBe('bare CR')
    expect(byteByByte('a\r\n.\r\r\n.\r\n').fault).toBe('bare CR')
    expect(byteByByte('a\0\r\n.\r\n').fault).toBe('NUL')
    expect(byteByByte('. \r\n.\r\n')).toMatchObject({ fault: undefined, content: ' \r\n' })
  })
})

describe('a message whose line ends are mended', () => {
  const fixing: Partial<ContentRules> = { lineEnds: 'fix', nul: 'fix' }

  /** Unstuffed as RFC 5321 reads it, and only then mended. */
  function mended(text: string): string {
    const data = `\r\n${text}`
    const end = data.indexOf('\r\n.\r\n')
    const received = end === -1 ? data : data.slice(0, end + 2)
    return received
      .replaceAll('\r\n.', '\r\n')
      .slice(2)
      .replaceAll('\0', '')
      .replace(/\r\n|\r|\n/g, '\r\n')
  }

  test('ends where it would have ended anyway, and holds no bare line end, however it is cut', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, anyBytes), cuts, (text, at) => {
        const whole = `${text}x\r\n.\r\n`
        const reading = read(whole, at, fixing)
        expect(reading.used).toBe(expectedUsed(whole))
        expect(reading).toMatchObject({ ended: true, fault: undefined })
        expect(reading.content).not.toMatch(/\0|\r(?!\n)|(?<!\r)\n/)
        expect(reading.content).toBe(mended(whole))
        expect(byteByByteUnder(whole, fixing)).toBe(reading.content)
      }),
      { numRuns: 1_000 },
    )
  })

  test('is not longer than the limit when it is mended', () => {
    expect(read('\n\n\n\n\r\n.\r\n', [], { ...fixing, maxBytes: 10 }).fault).toBeUndefined()
    expect(read('\n\n\n\n\r\n.\r\n', [], { ...fixing, maxBytes: 9 }).fault).toBe('too big')
  })
})

describe('the longest line', () => {
  test('is counted with its CRLF and without the dot that DATA adds, at every cut', () => {
    const text = '..234\r\n1234\r\n.\r\n'
    for (const at of everyOffset(text)) {
      expect(read(text, [at], { maxLineBytes: 6 }).fault).toBeUndefined()
      expect(read(text, [at], { maxLineBytes: 5 })).toMatchObject({
        fault: 'long line',
        ended: true,
      })
    }
  })
})

describe('the size limit', () => {
  test('counts what is kept, not what was stuffed (RFC 1870 §5)', () => {
    expect(read('..45678\r\n.\r\n', [], { maxBytes: 8 })).toMatchObject({
      fault: undefined,
      sizeBytes: 8,
    })
    expect(read('..45678\r\n.\r\n', [], { maxBytes: 7 })).toMatchObject({
      fault: 'too big',
      ended: true,
    })
  })

  test('drops what is too big and still finds its end', () => {
    const text = `${'x'.repeat(70)}\r\n`.repeat(1_000)
    const cutsEvery100 = everyOffset(text).filter((at) => at % 100 === 0)
    const reading = read(`${text}.\r\nQUIT`, cutsEvery100, { maxBytes: 1_000 })
    expect(reading).toMatchObject({ ended: true, fault: 'too big', used: text.length + 3 })
    expect(reading.content.length).toBeLessThanOrEqual(1_000)
  })
})
