import fc from 'fast-check'
import { expect, test } from 'vitest'
import { legible, plainLine } from './plain-line.ts'

test('text from mail shows what would turn the direction of a line, and holds no command to a terminal', () => {
  expect(plainLine('invoice\u202Efdp.exe')).toBe('invoice\\u{202e}fdp.exe')
  expect(plainLine('a\u009b2Jb\u001b[31m\0')).toBe('a?2Jb?[31m?')
  expect(plainLine('one\r\n\ttwo\u2028three')).toBe('one two three')
  expect(plainLine('Grüße, שלום 💩')).toBe('Grüße, שלום 💩')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(plainLine(text)).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u)
    }),
  )
})

test('a line for a terminal is cut at 400 characters, and not in the middle of one', () => {
  expect(legible('jürgen@bücher.test')).toBe('jürgen@bücher.test')
  expect(legible('x'.repeat(400))).toBe('x'.repeat(400))
  expect(legible('x'.repeat(401))).toBe(`${'x'.repeat(397)}...`)
  expect(legible(`${'x'.repeat(396)}💩${'x'.repeat(9)}`)).toBe(`${'x'.repeat(396)}...`)
})
