import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unifiedDiff } from './unified-diff.ts'

describe('a unified diff', () => {
  test('is empty where nothing differs', () => {
    expect(unifiedDiff('a\nb\n', 'a\nb\n', 'x')).toEqual({ text: '', added: 0, removed: 0 })
  })

  test('shows what went and what came, with three lines around', () => {
    const before = 'a\nb\nc\nd\ne\nf\ng\nh\n'
    expect(unifiedDiff(before, before.replace('e', 'E'), 'postern.yaml').text).toBe(
      '--- a/postern.yaml\n+++ b/postern.yaml\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n',
    )
  })

  test('tells a last line without a line end from one with it', () => {
    expect(unifiedDiff('a\n', 'a', 'x').text).toContain('+a\n\\ No newline at end of file')
  })

  test('turns the one text into the other', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', '', 'long'), { maxLength: 30 })
      .map((lines) => lines.map((line) => `${line}\n`).join(''))
    fc.assert(
      fc.property(text, text, (before, after) => {
        const { text: diff } = unifiedDiff(before, after, 'x')
        expect(diff === '' ? before : patched(before, diff)).toBe(after)
      }),
    )
  })
})

/** What patch(1) does with it. */
function patched(before: string, diff: string): string {
  const old = before.split('\n').slice(0, -1)
  const out: string[] = []
  let at = 0
  for (const line of diff.split('\n').slice(2, -1)) {
    const [, start, count = '1'] = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@$/.exec(line) ?? []
    if (start !== undefined) {
      const from = count === '0' ? Number(start) : Number(start) - 1
      out.push(...old.slice(at, from))
      at = from
    } else if (line.startsWith('+')) out.push(line.slice(1))
    else {
      if (old[at] !== line.slice(1)) return `the text has no line ${line.slice(1)}`
      if (line.startsWith(' ')) out.push(line.slice(1))
      at += 1
    }
  }
  return [...out, ...old.slice(at)].map((line) => `${line}\n`).join('')
}
