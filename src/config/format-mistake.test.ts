import { expect, test } from 'vitest'
import { formatMistake } from './format-mistake.ts'

test('a mistake is one line, and nothing in it commands a terminal', () => {
  const mistake = {
    file: 'plugins/örtlich.ts',
    line: 3,
    problem: 'does not load: Error: \u001b[31mred\nfile:4: all is well\u009b\u202e',
    remedy: 'repair the file',
  }
  expect(formatMistake(mistake)).toBe(
    'plugins/örtlich.ts:3: does not load: Error: \\u001b[31mred\\u000afile:4: all is well\\u009b\\u202e; repair the file',
  )
})
