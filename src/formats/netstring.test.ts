import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { netstring, NetstringLength } from './netstring.ts'

function lengthOf(text: string, most = 1000): number | 'more' | 'broken' {
  const length = new NetstringLength(most)
  let last: number | 'more' | 'broken' = 'more'
  for (const byte of Buffer.from(text)) {
    last = length.read(byte)
    if (last !== 'more') return last
  }
  return last
}

describe('a netstring', () => {
  test('is written as its definition shows it', () => {
    expect(String(netstring('hello world!'))).toBe('12:hello world!,')
    expect(String(netstring())).toBe('0:,')
    expect(String(netstring('ä', Buffer.from('b')))).toBe('3:äb,')
  })

  test.each([
    ['0:', 0],
    ['12:', 12],
    ['1000:', 1000],
    ['1001:', 'broken'],
    ['10000', 'broken'],
    ['99999999999999999999999', 'broken'],
    ['00:', 'broken'],
    ['012:', 'broken'],
    [':', 'broken'],
    ['-1:', 'broken'],
    ['+1:', 'broken'],
    [' 1:', 'broken'],
    ['1 :', 'broken'],
    ['1;', 'broken'],
    ['12', 'more'],
    ['', 'more'],
  ])('that begins with %j says %s', (text, said) => {
    expect(lengthOf(text)).toBe(said)
  })

  test('is read back, however long, and no bytes make more of it than its bound', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (value) => {
        expect(lengthOf(`${value}:`, 1_000_000)).toBe(value)
        expect(lengthOf(`${value}:`, value)).toBe(value)
        expect(lengthOf(`${value + 1}:`, value)).toBe('broken')
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, most) => {
        const length = lengthOf(text, most)
        expect(typeof length === 'number' ? length : 0).toBeLessThanOrEqual(most)
      }),
    )
  })
})
