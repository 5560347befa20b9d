import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryMessage } from 'postern/testkit'
import { matchingLine, mostSearched } from './matching-line.ts'

const { signal } = new AbortController()

async function matched(
  text: string,
  ...expressions: readonly string[]
): Promise<readonly string[]> {
  return [...(await matchingLine(memoryMessage(text), new Set(expressions), signal))]
}

describe('expressions held against the lines of a message', () => {
  test('find what stands in one line, header or body', async () => {
    const text = 'Subject: pills\r\n\r\none\r\ntwo'
    expect(await matched(text, '^Subject. p', 'e$', '^two$', 'one.*two', 'Two', '(?i)Two')).toEqual(
      ['^Subject. p', 'e$', '^two$', '(?i)Two'],
    )
  })

  test('find nothing beyond the first megabyte, and a needle before its end', async () => {
    const long = `${'x\r\n'.repeat(mostSearched / 3 - 10)}`
    expect(await matched(`${long}needle\r\n`, 'needle')).toEqual(['needle'])
    expect(await matched(`${long}${'x'.repeat(100)}needle\r\n`, 'needle')).toEqual([])
  })

  test('agree with plain search, whatever the lines', async () => {
    const lines = fc.array(fc.stringMatching(/^[ab]{0,6}$/), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(lines, async (all) => {
        const found = await matched(all.join('\r\n'), 'ab+a', '^b*$')
        expect(found.includes('ab+a')).toBe(all.some((line) => /ab+a/.test(line)))
      }),
      { numRuns: 100 },
    )
  })

  test('stop where nobody waits any more', async () => {
    const message = memoryMessage('x')
    await expect(matchingLine(message, new Set(['x']), AbortSignal.abort())).rejects.toThrow(
      'aborted',
    )
  })
})
