import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ContentMender } from './content-mender.ts'
import type { ContentRules } from './content-rules.ts'

const refuseAll: ContentRules = { maxBytes: 0, maxLineBytes: 0, lineEnds: 'refuse', nul: 'refuse' }
const fixAll: ContentRules = { ...refuseAll, lineEnds: 'fix', nul: 'fix' }

/** Mends latin1 text, cut at the given offsets. */
function mend(text: string, rules: ContentRules, cuts: readonly number[] = []): string {
  const mender = ContentMender.for(rules)
  const bytes = Buffer.from(text, 'latin1')
  const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].toSorted((a, b) => a - b)
  return ends
    .map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
    .map((piece) => Buffer.from(mender?.mend(piece) ?? piece).toString('latin1'))
    .join('')
}

const hostile = fc
  .array(fc.constantFrom('\r\n', '\r', '\n', '\0', '.', 'text', '\t', '\xff'), { maxLength: 40 })
  .map((parts) => parts.join(''))
const cuts = fc.array(fc.nat(80))

describe('a message whose line ends are mended', () => {
  test('has a CRLF for each of its line ends, and nothing else is changed, however it was cut', () => {
    fc.assert(
      fc.property(hostile, cuts, (text, at) => {
        const mended = mend(text, { ...refuseAll, lineEnds: 'fix' }, at)
        expect(mended).toBe(text.replace(/\r\n|\r|\n/g, '\r\n'))
      }),
      { numRuns: 1_000 },
    )
  })

  test('loses its NULs where they are mended too', () => {
    fc.assert(
      fc.property(hostile, cuts, (text, at) => {
        const mended = mend(text, fixAll, at)
        expect(mended).not.toMatch(/\0|\r(?!\n)|(?<!\r)\n/)
        expect(mended.replaceAll('\r\n', '')).toBe(text.replace(/[\r\n\0]/g, ''))
        expect(mend(text, { ...refuseAll, nul: 'fix' }, at)).toBe(text.replaceAll('\0', ''))
      }),
      { numRuns: 1_000 },
    )
  })

  test('is lent where it is as it should be', () => {
    const piece = Buffer.from('Subject: x\r\n\r\ntext\r\n')
    expect(ContentMender.for(fixAll)?.mend(piece)).toBe(piece)
  })
})

test('nothing is mended where the rules refuse it', () => {
  expect(ContentMender.for(refuseAll)).toBeUndefined()
})
