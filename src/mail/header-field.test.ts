import { AssertionError } from 'node:assert'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assertField, fieldText, formatField } from './header-field.ts'
import { parseHeader } from './header.ts'

const linesOf = (field: string): readonly string[] => field.slice(0, -2).split('\r\n')

describe('a field', () => {
  test('is written on one line where it fits', () => {
    expect(formatField('Subject', 'Hi there')).toBe('Subject: Hi there\r\n')
    expect(formatField('Subject', '')).toBe('Subject:\r\n')
    expect(formatField('X', 'v'.repeat(75))).toBe(`X: ${'v'.repeat(75)}\r\n`)
  })

  test('is folded before the last blank that keeps the line within 78', () => {
    const field = formatField('Subject', `${'word '.repeat(30)}end`)
    expect(linesOf(field).map((line) => line.length)).toEqual([78, 75, 9])
    expect(field.replaceAll('\r\n', '')).toBe(`Subject: ${'word '.repeat(30)}end`)
  })

  test('leaves a long word whole as long as the standard allows', () => {
    const word = 'v'.repeat(900)
    expect(formatField('X', `${word} ${word}`)).toBe(`X: ${word}\r\n ${word}\r\n`)
    expect(formatField('X', word)).toBe(`X: ${word}\r\n`)
  })

  test('breaks a word that no line can hold', () => {
    const lines = linesOf(formatField('X', 'v'.repeat(2500)))
    expect(lines.map((line) => line.length)).toEqual([997, 998, 510])
    const emoji = linesOf(formatField('X', `a${'😀'.repeat(700)}`))
    expect(emoji.every((line) => line.isWellFormed() && Buffer.byteLength(line) <= 998)).toBe(true)
  })

  test('keeps the folds that a value brings, long lines included', () => {
    const signature = `v=1;\r\n\tb=${'x '.repeat(60)}x`
    expect(formatField('DKIM-Signature', signature)).toBe(`DKIM-Signature: ${signature}\r\n`)
    expect(formatField('To', '\r\n ann')).toBe('To:\r\n ann\r\n')
  })

  test('never has a line of blanks only', () => {
    const field = formatField('X', `a${' '.repeat(3000)}b${' '.repeat(3000)}`)
    expect(linesOf(field).filter((line) => line.trim() === '')).toEqual([])
  })

  test.each([
    ['a bare LF', 'a\nb'],
    ['a bare CR', 'a\rb'],
    ['a second field', 'a\r\nEvil: b'],
    ['the end of the header', 'a\r\n\r\nbody'],
    ['a fold of nothing', 'a\r\n '],
    ['a blank line among its folds', 'a\r\n \r\n b'],
    ['a trailing line end', 'a\r\n'],
    ['a NUL', 'a\0b'],
    ['an escape', 'a\u001b[0m'],
  ])('with %s is refused', (_, value) => {
    expect(() => formatField('X', value)).toThrow(AssertionError)
    expect(() => assertField('X', value)).toThrow(AssertionError)
  })

  test.each(['', 'A:', 'A B', 'A\r\nB', 'Ø', 'x'.repeat(77)])('named %j is refused', (name) => {
    expect(() => formatField(name, 'x')).toThrow('is no field name')
  })
})

describe('any text', () => {
  test('becomes a value that a field can hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        assertField('X', fieldText(text))
      }),
    )
    expect(fieldText('one\r\ntwo\0\tthree')).toBe('one two?\tthree')
  })

  const words = fc.array(fc.stringMatching(/^[!-~]{1,120}$/), { maxLength: 30 })
  test('reads back as it was written, however it was folded', () => {
    fc.assert(
      fc.property(words, (list) => {
        const field = formatField('Subject', list.join(' '))
        expect(parseHeader(Buffer.from(field)).first('subject')).toBe(list.join(' '))
        expect(linesOf(field).every((line) => line.length <= 998)).toBe(true)
      }),
    )
  })

  test('is written in one field, whatever it holds', () => {
    const piece = fc.constantFrom('a', ' ', '\t', ' '.repeat(70), 'v'.repeat(400), 'ø', '😀')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const field = formatField('X', pieces.join(''))
        expect(parseHeader(Buffer.from(field)).fields).toHaveLength(1)
        for (const line of linesOf(field)) {
          expect(line.trim()).not.toBe('')
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(998)
        }
      }),
      { numRuns: 500 },
    )
  })
})
