import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasBareLineEnd, lineAt, mendedLineEnds, nextDashes } from './lines.ts'

const texts = fc
  .array(fc.constantFrom('-', '--', '\r', '\n', '\r\n', 'x'), { maxLength: 30 })
  .map((pieces) => Buffer.from(pieces.join('')))

describe('in any text', () => {
  test('a line that begins with two hyphens is found where an expression finds it', () => {
    fc.assert(
      fc.property(texts, fc.nat(10), (bytes, from) => {
        const found = /[\r\n]--/.exec(bytes.toString('latin1').slice(from))
        expect(nextDashes(bytes, from)).toBe(found === null ? undefined : from + found.index + 1)
      }),
      { numRuns: 2000 },
    )
  })

  test('lines end where they begin anew, and none is lost', () => {
    fc.assert(
      fc.property(texts, fc.constantFrom('crlf', 'any'), (bytes, by) => {
        let at = 0
        for (let line = lineAt(bytes, at, by); line !== undefined; line = lineAt(bytes, at, by)) {
          expect(line.end).toBeGreaterThanOrEqual(at)
          expect(bytes.toString('latin1', line.end, line.next)).toMatch(
            by === 'crlf' ? /^\r\n$/ : /^(?:\r\n?|\n)$/,
          )
          at = line.next
        }
        expect(bytes.includes('\r\n', at)).toBe(by === 'any' && bytes.includes('\r\n', at))
      }),
    )
  })

  test('line ends are mended, and nothing else is touched', () => {
    fc.assert(
      fc.property(texts, (bytes) => {
        const mended = Buffer.from(mendedLineEnds(bytes))
        expect(hasBareLineEnd(mended)).toBe(false)
        expect(mended.toString('latin1')).toBe(
          bytes.toString('latin1').replaceAll(/\r\n?|\n/g, '\r\n'),
        )
      }),
    )
  })
})
