import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OctetCount } from '../formats/octet-count.ts'
import { MessageText } from './message-text.ts'

const hostile = fc.string({ unit: fc.constantFrom('a', '.', '\r', '\n', 'b c'), maxLength: 60 })

/** In pieces of any size. */
function pieces(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text, 'latin1')
  const made: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) made.push(bytes.subarray(at, at + size))
  return made
}

function sent(text: string, { size = 1000, lines }: { size?: number; lines?: number } = {}) {
  const encoder = new MessageText(lines)
  const parts = pieces(text, size).map((piece) => encoder.encode(piece))
  return Buffer.concat([...parts, encoder.end()]).toString('latin1')
}

function octets(text: string, size = 1000): number {
  const count = new OctetCount()
  for (const piece of pieces(text, size)) count.add(piece)
  return count.octets
}

describe('a message on its way to a client', () => {
  test.each([
    ['Subject: x\n\nline\n', 'Subject: x\r\n\r\nline\r\n.\r\n'],
    ['Subject: x\r\n\r\nline\r\n', 'Subject: x\r\n\r\nline\r\n.\r\n'],
    ['.\n..a\nb.\n', '..\r\n...a\r\nb.\r\n.\r\n'],
    ['no end', 'no end\r\n.\r\n'],
    ['cr end\r', 'cr end\r\r\n.\r\n'],
    ['', '.\r\n'],
  ])('%j is sent as %j', (text, expected) => {
    expect(sent(text)).toBe(expected)
  })

  test('ends where its end stands, and is what was stored, however it is cut', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 9 }), (text, size) => {
        const whole = sent(text, { size })
        expect(whole).toBe(sent(text))
        expect(whole.indexOf('\r\n.\r\n', -1)).toBe(
          whole === '.\r\n' ? -1 : whole.length - '\r\n.\r\n'.length,
        )
        const back = whole.slice(0, -3).replace(/(^|\r\n)\./g, '$1')
        const lines = text.replace(/\r?\n/g, '\r\n')
        expect(back).toBe(lines === '' || lines.endsWith('\r\n') ? lines : `${lines}\r\n`)
        expect(octets(text, size)).toBe(back.length)
      }),
    )
  })

  test.each([
    [0, 'A: b\r\n\r\n.\r\n'],
    [1, 'A: b\r\n\r\n..one\r\n.\r\n'],
    [2, 'A: b\r\n\r\n..one\r\n\r\n.\r\n'],
    [9, 'A: b\r\n\r\n..one\r\n\r\nthree\r\n.\r\n'],
  ])('has its header and %i lines of its body', (lines, expected) => {
    for (const size of [1, 1000])
      expect(sent('A: b\n\n.one\n\nthree\n', { lines, size })).toBe(expected)
  })
})
