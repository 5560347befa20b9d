import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { counted, plainText } from './lines.ts'
import { formatBytes, formatCount, formatRate, formatScore, formatShare } from './numbers.ts'
import { formatAge, formatDuration } from './times.ts'

/** Those that trick the eye, and all the others. */
const characters = fc.oneof(
  fc.constantFrom('\u202E', '\u2066', '\u061C', '\u200F', '\u0000', '\u001B', '\u0085', '\n', 'a'),
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
)

describe('text from mail', () => {
  test('stays as it is where it is plain, in any script', () => {
    expect(plainText('Grüße, 世界 🎉\n\tand tabs')).toBe('Grüße, 世界 🎉\n\tand tabs')
  })

  test('cannot turn the direction of what follows', () => {
    expect(plainText('invoice\u202Efdp.exe')).toBe('invoice\\u{202e}fdp.exe')
  })

  test('cannot hide characters or control a terminal it is copied to', () => {
    expect(plainText('pay\u200Bpal\u001B[2J\u0085\uFEFF')).toBe(
      'pay\\u{200b}pal\\u{1b}[2J\\u{85}\\u{feff}',
    )
  })

  test('never holds such a character afterwards', () => {
    fc.assert(
      fc.property(fc.array(characters), (parts) => {
        const text = parts.join('')
        const left = Array.from(plainText(text)).filter((each) =>
          /[\p{Cc}\p{Bidi_Control}]/u.test(each),
        )
        expect(left.filter((each) => each !== '\n' && each !== '\t')).toEqual([])
      }),
    )
  })
})

describe('figures', () => {
  test.each([
    [0, '0 bytes'],
    [812, '812 bytes'],
    [4300, '4.2 KB'],
    [512_000, '500 KB'],
    [1 << 30, '1.0 GB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  test.each([
    [0, '0 s'],
    [999, '0 s'],
    [5000, '5 s'],
    [125_000, '2 min'],
    [7_500_000, '2 h 5 min'],
    [7_200_000, '2 h'],
    [273_600_000, '3 d 4 h'],
    [315_360_000_000 - 1, '3649 d'],
    [-5, '0 s'],
  ])('%d milliseconds are an age of %s', (ms, text) => {
    expect(formatAge(ms)).toBe(text)
  })

  test.each([
    [0.04, '0.04 ms'],
    [3.21, '3.2 ms'],
    [38.2, '38 ms'],
    [5003, '5.0 s'],
  ])('%d milliseconds are a duration of %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  test('rates, counts, shares and scores are short', () => {
    expect([0, 0.42, 31.7, 3100].map(formatRate)).toEqual(['0', '0.4', '32', '3,100'])
    expect(formatCount(250_000)).toBe('250,000')
    expect([formatShare(0, 9), formatShare(1, 1000), formatShare(1, 4)]).toEqual([
      '0 %',
      'under 1 %',
      '25 %',
    ])
    expect([5.5, -1, 0, 0.001].map(formatScore)).toEqual(['+5.5', '−1', '0', '0'])
  })

  test('one is one, and two are many', () => {
    expect([counted(1, 'message'), counted(2, 'message')]).toEqual(['1 message', '2 messages'])
    expect(counted(2, 'pass', 'passes')).toBe('2 passes')
  })
})
