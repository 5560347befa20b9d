import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextControl } from './next-control.ts'

test('the next control byte is found wherever it stands', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), fc.nat(5), (bytes, from, offset) => {
      const padded = Uint8Array.from([...Array.from({ length: offset }, () => 0), ...bytes])
      const view = new DataView(padded.buffer, offset)
      const start = Math.min(from, bytes.length)
      const wanted = bytes.findIndex((byte, at) => at >= start && byte < 0x0e)
      expect(nextControl(view, start)).toBe(wanted === -1 ? bytes.length : wanted)
    }),
    { numRuns: 2_000 },
  )
})
