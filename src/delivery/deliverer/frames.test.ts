import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatFrame, FrameReader, mostFrameBytes, pieces, type FrameKind } from './frames.ts'

const kinds: readonly FrameKind[] = ['request', 'message', 'end', 'text', 'forward', 'answer']
const frames = fc.array(
  fc.record({ kind: fc.constantFrom(...kinds), payload: fc.uint8Array({ maxLength: 300 }) }),
)

test('frames are read as they were written, however they are cut', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 })), (written, cuts) => {
      const bytes = Buffer.concat(written.map(({ kind, payload }) => formatFrame(kind, payload)))
      const reader = new FrameReader()
      const read = []
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        const found = reader.read(bytes.subarray(at, at + cut)) ?? []
        read.push(...found.map(({ kind, payload }) => ({ kind, payload: [...payload] })))
        at += cut
      }
      expect(read).toEqual(written.map(({ kind, payload }) => ({ kind, payload: [...payload] })))
    }),
  )
})

test('whatever the bytes are, reading answers or says that they are no frames', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (chunks) => {
      const reader = new FrameReader()
      for (const chunk of chunks) {
        const found = reader.read(chunk)
        if (found === undefined) return
        for (const { payload } of found) expect(payload.length).toBeLessThanOrEqual(mostFrameBytes)
      }
    }),
  )
})

test('a frame that says to be longer than 64 KB is none, before its bytes have come', () => {
  const head = Buffer.from('Q\0\0\0\0')
  head.writeUInt32BE(mostFrameBytes + 1, 1)
  expect(new FrameReader().read(head)).toBeUndefined()
})

test('what is longer goes in pieces', () => {
  const bytes = Buffer.alloc(mostFrameBytes * 2 + 1, 'x')
  expect([...pieces(bytes)].map(({ length }) => length)).toEqual([
    mostFrameBytes,
    mostFrameBytes,
    1,
  ])
})
