import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MessageHead } from './message-head.ts'

test('the head of a message is what came first, in whatever pieces, and not much more than the limit', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), (pieces) => {
      const head = new MessageHead(100)
      for (const piece of pieces) head.add(piece)
      const whole = Buffer.concat(pieces)
      const { bytes } = head
      expect(Buffer.from(bytes).equals(whole.subarray(0, bytes.length))).toBe(true)
      expect(bytes.length).toBeGreaterThanOrEqual(Math.min(100, whole.length))
      expect(bytes.length).toBeLessThan(140)
    }),
  )
})

test('a head that came in one piece is that piece', () => {
  const head = new MessageHead(100)
  const piece = Buffer.from('Subject: x\r\n')
  head.add(piece)
  expect(head.bytes.buffer).toBe(piece.buffer)
  expect(Buffer.from(head.bytes).equals(piece)).toBe(true)
})
