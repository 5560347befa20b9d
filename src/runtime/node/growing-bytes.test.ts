import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GrowingBytes } from './growing-bytes.ts'

test('texts put one after the other are their UTF-8, and each says how much it took', () => {
  const texts = fc.array(fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(texts, fc.nat(100), (parts, expected) => {
      const bytes = new GrowingBytes(expected)
      const lengths = parts.map((part) => bytes.put(part))
      expect(lengths).toEqual(parts.map((part) => Buffer.byteLength(part)))
      expect(bytes.length).toBe(Buffer.byteLength(parts.join('')))
      expect(bytes.take().equals(Buffer.from(parts.join('')))).toBe(true)
    }),
  )
})

test('what was taken stays as it is when more comes', () => {
  const bytes = new GrowingBytes(8)
  bytes.put('first')
  const taken = bytes.take()
  bytes.put('later')
  expect(taken.toString()).toBe('first')
  expect(bytes.take().toString()).toBe('later')
})
