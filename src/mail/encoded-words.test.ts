import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeWords } from './encoded-words.ts'

test.each([
  ['plain', 'plain'],
  // RFC 2047 §8.
  ['=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>', 'Keld Jørn Simonsen <keld@dkuug.dk>'],
  ['(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a_?= =?ISO-8859-2?Q?_b?=)', '(a  b)'],
  ['=?utf-8?B?R3LDvMOfZQ==?= an alle', 'Grüße an alle'],
  ['=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=', 'Grüße'],
  ['=?no-such-charset?q?a?=', '=?no-such-charset?q?a?='],
  ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
])('%s is read as %s', (written, read) => {
  expect(decodeWords(written)).toBe(read)
})

test('text without encoded-words stays, and nothing throws', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const read = decodeWords(text)
      expect(text.includes('=?') ? text : read).toBe(text)
    }),
  )
})

test('a megabyte of beginnings is read in no time', () => {
  const text = '=?utf-8?q?'.repeat(100_000)
  expect(decodeWords(text)).toBe(text)
})
