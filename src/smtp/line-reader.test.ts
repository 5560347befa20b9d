import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LineReader } from './line-reader.ts'

const maxLineBytes = 20

/** All lines of a text that comes cut at the given offsets; reports as `!too long`, `!bare line end`. */
function lines(text: string, cuts: readonly number[] = []): string[] {
  const reader = new LineReader(maxLineBytes)
  const bytes = Buffer.from(text, 'latin1')
  const found: string[] = []
  const ends = [...new Set(cuts)].filter((at) => at < bytes.length).toSorted((a, b) => a - b)
  let start = 0
  for (const end of [...ends, bytes.length]) {
    reader.push(bytes.subarray(start, end))
    for (let line = reader.line(); line !== undefined; line = reader.line()) {
      found.push(typeof line === 'string' ? line : `!${line.spoilt}`)
    }
    start = end
  }
  return found
}

const cuts = fc.array(fc.nat(300))
const hostile = fc
  .array(fc.constantFrom('\r\n', '\r', '\n', 'NOOP', 'x'.repeat(18), 'x'.repeat(30), '\0'))
  .map((parts) => parts.join(''))

describe('lines', () => {
  test('end in CR LF, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[^\r\n]{0,18}$/)), cuts, (wanted, at) => {
        const latin = wanted.map((line) => Buffer.from(line).toString('latin1').slice(0, 18))
        expect(lines(latin.map((line) => `${line}\r\n`).join(''), at)).toEqual(latin)
      }),
    )
  })

  test('are reported alike wherever the bytes are cut', () => {
    fc.assert(
      fc.property(hostile, cuts, (text, at) => {
        // How soon a line is known to be too long depends on the cut; that it is does not.
        const whole = lines(text)
        const cut = lines(text, at)
        expect(cut.filter((line) => !line.startsWith('!'))).toEqual(
          whole.filter((line) => !line.startsWith('!')),
        )
      }),
      { numRuns: 500 },
    )
  })

  test('that hold a bare LF are reported once and dropped up to their CR LF', () => {
    expect(lines('a\nb\nc\r\nd\r\n')).toEqual(['!bare line end', 'd'])
    expect(lines('\nb\r\nd\r\n')).toEqual(['!bare line end', 'd'])
  })

  test('that are too long are reported once and dropped up to their CR LF', () => {
    const long = 'x'.repeat(100)
    expect(lines(`${long}\r\nd\r\n`, [10, 30, 50, 101])).toEqual(['!too long', 'd'])
    expect(lines(`${long}\r\nd\r\n`)).toEqual(['!too long', 'd'])
    expect(lines(`${long}\n${long}\r\nd\r\n`, [30, 60, 130])).toEqual(['!too long', 'd'])
  })

  test('may be as long as the limit, CR LF included', () => {
    expect(lines(`${'x'.repeat(18)}\r\n`)).toEqual(['x'.repeat(18)])
    expect(lines(`${'x'.repeat(19)}\r\n`)).toEqual(['!too long'])
  })
})

describe('bytes that are no lines', () => {
  test('are lent as they came, and lines go on behind them', () => {
    const reader = new LineReader(maxLineBytes)
    reader.push(Buffer.from('DATA\r\nbody.QUIT\r\n'))
    expect(reader.line()).toBe('DATA')
    expect(reader.rest()?.toString()).toBe('body.QUIT\r\n')
    reader.skip(5)
    expect(reader.line()).toBe('QUIT')
    expect(reader.rest()).toBeUndefined()
  })

  test('fill it up by their number and by their size', () => {
    const bySize = new LineReader(maxLineBytes)
    bySize.push(Buffer.alloc(65_536, 'x'))
    expect(bySize.full).toBe(false)
    bySize.push(Buffer.alloc(65_537, 'x'))
    expect(bySize.full).toBe(true)
    const byNumber = new LineReader(maxLineBytes)
    for (let count = 0; count < 300; count++) byNumber.push(Buffer.from('x'))
    expect(byNumber.full).toBe(true)
    byNumber.clear()
    expect(byNumber.full).toBe(false)
    expect(byNumber.rest()).toBeUndefined()
  })
})
