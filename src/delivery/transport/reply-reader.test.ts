import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPosternError } from '../../mail/errors.ts'
import {
  permanentStatus,
  quoteReply,
  ReplyReader,
  successStatus,
  transientStatus,
  type HopReply,
} from './reply-reader.ts'

const read = (...chunks: string[]): HopReply[] => {
  const reader = new ReplyReader()
  return chunks.flatMap((chunk) => reader.push(Buffer.from(chunk, 'latin1')))
}

describe('the reader of replies', () => {
  test('reads replies of one line and of several', () => {
    expect(read('220 hi\r\n250-one\r\n250-two\r\n250 three\r\n')).toEqual([
      { code: 220, lines: ['hi'] },
      { code: 250, lines: ['one', 'two', 'three'] },
    ])
  })

  test('reads a code without text', () => {
    expect(read('250\r\n', '250-\r\n250\r\n')).toEqual([
      { code: 250, lines: [''] },
      { code: 250, lines: ['', ''] },
    ])
  })

  test('of a line that is too long reads the beginning', () => {
    const begins = expect.stringMatching(/^no x{2000}/)
    const wire = `550-no ${'x'.repeat(60_000)}\r\n550 at all\r\n`
    expect(read(wire)).toEqual([{ code: 550, lines: [begins, 'at all'] }])
    expect(read(...(wire.match(/[^]{1,1000}/g) ?? []))).toEqual(read(wire))
  })

  test('how the bytes are cut makes no difference', () => {
    const wire = `250-one\r\n250 two ${'x'.repeat(5_000)}\r\n421 4.3.2 bye\r\n`
    fc.assert(
      fc.property(fc.array(fc.nat(wire.length)), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), wire.length]
        const chunks = at.slice(1).map((end, i) => wire.slice(at[i], end))
        expect(read(...chunks)).toEqual(read(wire))
      }),
    )
  })

  test.each([
    ['a bare LF', '250 ok\n'],
    ['no code', 'hello\r\n'],
    ['a code of two digits', '25 ok\r\n'],
    ['a code out of range', '650 ok\r\n'],
    ['a preliminary code', '150 ok\r\n'],
    ['no blank after the code', '250ok\r\n'],
    ['codes that differ', '250-a\r\n251 b\r\n'],
    ['an empty line', '\r\n'],
    ['a line without end', `250 ${'x'.repeat(100_000)}`],
    ['too many lines', '250-x\r\n'.repeat(101)],
  ])('refuses %s', (_, wire) => {
    expect(() => read(wire)).toThrow(expect.objectContaining({ code: 'PEER_FAILED' }))
  })

  test('never throws anything but a breach, whatever the bytes are', () => {
    const failure = (chunks: Uint8Array[]): unknown => {
      const reader = new ReplyReader()
      try {
        for (const chunk of chunks) reader.push(chunk)
        return undefined
      } catch (error) {
        return error
      }
    }
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (chunks) => {
        expect(failure(chunks)).toSatisfy(
          (error) => error === undefined || isPosternError(error, 'PEER_FAILED'),
        )
      }),
    )
  })

  test('knows when a reply has begun and not ended', () => {
    const reader = new ReplyReader()
    reader.push(Buffer.from('250-one\r\n'))
    expect(reader.midway).toBe(true)
    reader.push(Buffer.from('250 two\r\n'))
    expect(reader.midway).toBe(false)
    reader.push(Buffer.from('2'))
    expect(reader.midway).toBe(true)
  })
})

describe('what a reply says', () => {
  test('a quoted reply holds nothing but printable ASCII', () => {
    const [reply] = read('550-5.1.1 no\x1b[31m such\r\n550 5.1.1 us\xe9r\r\n')
    expect(quoteReply(reply!)).toBe('550 5.1.1 no?[31m such\n550 5.1.1 us?r')
  })

  test('its enhanced status is taken where it agrees with the code', () => {
    expect(permanentStatus({ code: 550, lines: ['5.1.1 gone'] })).toBe('5.1.1')
    expect(permanentStatus({ code: 550, lines: ['4.1.1 gone'] })).toBe('5.0.0')
    expect(permanentStatus({ code: 550, lines: ['5.1.1gone'] })).toBe('5.0.0')
    expect(transientStatus({ code: 451, lines: ['4.7.1'] })).toBe('4.7.1')
    expect(transientStatus({ code: 450, lines: ['later'] })).toBe('4.0.0')
    expect(successStatus({ code: 250, lines: ['2.1.5 ok'] })).toBe('2.1.5')
    expect(successStatus({ code: 250, lines: ['ok'] })).toBe('2.0.0')
  })
})
