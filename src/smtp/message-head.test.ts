import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MessageHead } from './message-head.ts'

const line = fc.constantFrom('Subject: x\r\n', ' folded\r\n', '\r\n', 'text\r\n', '\r', '\n', 'a')
const cuts = fc.array(fc.nat(300))

/** What comes before the body, by the letter. */
function headerOf(text: string): string {
  if (text.startsWith('\r\n')) return '\r\n'
  const end = text.indexOf('\r\n\r\n')
  return end === -1 ? text : text.slice(0, end + 4)
}

function piecesOf(text: string, at: readonly number[]): Buffer[] {
  const ends = [...at.filter((cut) => cut < text.length), text.length].toSorted((a, b) => a - b)
  return ends.map((end, index) => Buffer.from(text.slice(ends[index - 1] ?? 0, end)))
}

test('the head of a message is its header, in whatever pieces it came', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), cuts, (lines, at) => {
      const text = lines.join('')
      const head = new MessageHead(1_000)
      for (const piece of piecesOf(text, at)) head.add(piece)
      expect(Buffer.from(head.bytes).toString()).toBe(headerOf(text))
      expect(head.cut).toBe(false)
    }),
  )
})

test('a head that is longer than the limit is cut, and not much longer than it', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 5, maxLength: 30 }), cuts, (lines, at) => {
      const text = lines.join('')
      const head = new MessageHead(50)
      for (const piece of piecesOf(text, at)) head.add(piece)
      expect(head.cut).toBe(headerOf(text).length > 50)
      expect(headerOf(text).startsWith(Buffer.from(head.bytes).toString())).toBe(true)
    }),
  )
})

test('a head that came in one piece is lent from that piece', () => {
  const head = new MessageHead(100)
  const piece = Buffer.from('Subject: x\r\n\r\nbody')
  head.add(piece)
  expect(head.bytes.buffer).toBe(piece.buffer)
  expect(Buffer.from(head.bytes).toString()).toBe('Subject: x\r\n\r\n')
})
