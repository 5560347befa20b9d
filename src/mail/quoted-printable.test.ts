import fc from 'fast-check'
import { expect, test } from 'vitest'
import { QuotedPrintableDecoder } from './mime/quoted-printable.ts'
import { quotedPrintable } from './quoted-printable.ts'

const decoded = (text: string): Buffer => {
  const decoder = new QuotedPrintableDecoder()
  return Buffer.concat([decoder.push(Buffer.from(text, 'latin1')), decoder.end()])
}

test('quoted-printable is short lines of ASCII that a decoder reads back byte by byte', () => {
  const piece = fc.oneof(
    fc.constantFrom('\r\n', '\r', '\n', ' ', '\t', '=', '.', 'x'.repeat(74), 'é', ' \r\n'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const bytes = Buffer.from(pieces.join(''))
      const text = quotedPrintable(bytes)
      expect(text).toMatch(/^[\t\r\n\x20-\x7e]*$/)
      for (const line of text.split('\r\n')) {
        expect(line.length).toBeLessThanOrEqual(76)
        expect(line).not.toMatch(/[ \t\r\n]$/)
      }
      expect(decoded(text)).toEqual(bytes)
    }),
  )
})

test('quoted-printable leaves text of ASCII as it is', () => {
  expect(quotedPrintable(Buffer.from('a b\tc\r\n\r\nd: e'))).toBe('a b\tc\r\n\r\nd: e')
  expect(quotedPrintable(Buffer.from('1=ü \r\n'))).toBe('1=3D=C3=BC=20\r\n')
})
