import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatTai64n, parseTai64n } from './tai64n.ts'

test('the epoch is 2^62 and ten seconds', () => {
  expect(formatTai64n(0)).toBe('@400000000000000a00000000')
})

test('a label names the second and the nanosecond', () => {
  const label = '@4000000037c219bf2ef02e94'
  const epochMs = Date.UTC(1999, 7, 24, 4, 4, 5, 787)
  expect(formatTai64n(epochMs, 492_500)).toBe(label)
  expect(parseTai64n(label)).toEqual({ epochMs, nanoseconds: 492_500 })
})

test('a label before 1970 works as any other', () => {
  expect(parseTai64n(formatTai64n(-1))).toEqual({ epochMs: -1, nanoseconds: 0 })
})

test.each([
  '',
  '@',
  '4000000037c219bf2ef02e94',
  '@4000000037C219BF2EF02E94',
  '@4000000037c219bf3b9aca00',
  '@ffffffffffffffff00000000',
  '@4000000037c219bf2ef02e94 ',
])('%j is no label', (label) => {
  expect(parseTai64n(label)).toBeUndefined()
})

test('every instant comes back as it was written, and labels sort by time', () => {
  const instant = fc.tuple(
    fc.integer({ min: -1e14, max: 1e14 }),
    fc.integer({ min: 0, max: 999_999 }),
  )
  fc.assert(
    fc.property(instant, instant, (a, b) => {
      expect(parseTai64n(formatTai64n(...a))).toEqual({ epochMs: a[0], nanoseconds: a[1] })
      const order = Math.sign(a[0] - b[0] || a[1] - b[1])
      const [labelA, labelB] = [formatTai64n(...a), formatTai64n(...b)]
      expect(labelA < labelB ? -1 : labelA > labelB ? 1 : 0).toBe(order)
    }),
  )
})
