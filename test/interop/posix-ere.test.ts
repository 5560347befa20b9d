/** Extended expressions beside the regcomp of the C library, which qmail's patches call: the same matches, the same mistakes. */
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { extendedExpression } from '../../plugins/shared/posix-ere/posix-ere.ts'
import { component, isMissing } from '../setup/components.ts'

/** Pairs of expression and text, as JSON; answers with `bad`, true or false for each. */
const regcomp = `
import ctypes, json, sys
libc = ctypes.CDLL(None)
def ask(pattern, text):
    compiled = ctypes.create_string_buffer(256)
    # REG_EXTENDED | REG_ICASE | REG_NOSUB
    if libc.regcomp(compiled, pattern.encode('latin1'), 1 | 2 | 8):
        return 'bad'
    found = libc.regexec(compiled, text.encode('latin1'), 0, None, 0) == 0
    libc.regfree(compiled)
    return found
print(json.dumps([ask(*pair) for pair in json.load(sys.stdin)]))
`

type Pair = readonly [expression: string, text: string]

function theirs(pairs: readonly Pair[]): readonly unknown[] {
  const { stdout } = spawnSync(component('python3')!.path, ['-c', regcomp], {
    input: JSON.stringify(pairs),
    encoding: 'utf8',
    timeout: 60_000,
  })
  return JSON.parse(stdout) as unknown[]
}

function ours([expression, text]: Pair): unknown {
  const compiled = extendedExpression(expression)
  return compiled.ok ? compiled.matches(text) : 'bad'
}

/** What no standard gives a meaning to is a mistake here, and never matches there. */
function isMeaningless([expression]: Pair): boolean {
  const compiled = extendedExpression(expression)
  return !compiled.ok && compiled.problem.includes('means nothing')
}

const pieces = [
  'a',
  'B',
  '.',
  '\\.',
  '@',
  '^',
  '$',
  '*',
  '+',
  '?',
  '|',
  '(',
  ')',
  '-',
  '\\\\',
  'd',
  ' ',
]
const intervals = ['{2}', '{1,2}', '{,2}', '{2,}', '{', '{x', '{2,1}', '}', '{}', '{,}']
const brackets = [
  '[ab]',
  '[^a]',
  '[]a]',
  '[^]a]',
  '[a-c]',
  '[.]',
  '[\\.]',
  '[\\d]',
  '[\\w]',
  '[a\\]',
  '[',
  ']',
  '[a-',
  '[c-a]',
  '[[:alpha:]]',
  '[^[:digit:]]',
  '[[:nonsense:]]',
  '[[.a.]-c]',
  '[[=b=]]',
  '[-a]',
  '[a-]',
  '[a&&b]',
  '[[:alpha:',
  '[[]',
  '[^^]',
]
/** Other letters behind a backslash mean nothing in POSIX; here they are mistakes. */
const escapes = [
  '\\w',
  '\\W',
  '\\s',
  '\\b',
  '\\B',
  '\\@',
  '\\-',
  "\\'",
  '\\`',
  '\\',
  '(?:',
  '(?i)',
  '()',
]
const expressions = fc
  .array(fc.constantFrom(...pieces, ...pieces, ...intervals, ...brackets, ...escapes), {
    minLength: 1,
    maxLength: 7,
  })
  .map((parts) => parts.join(''))
const texts = fc.string({
  maxLength: 8,
  unit: fc.constantFrom(...'aAbBcd.@\\-^$] nx?:i&{2}'.split('')),
})

describe.skipIf(isMissing('python3'))('an extended expression', () => {
  test('says what it says to the C library', () => {
    const runs = Number(process.env['POSTERN_RUNS'] ?? 20_000)
    const pairs = fc.sample(fc.tuple(expressions, texts), { numRuns: runs, seed: 1 })
    const answers = theirs(pairs)
    const other = pairs.filter(
      (pair, index) => ours(pair) !== answers[index] && !isMeaningless(pair),
    )
    expect(other.slice(0, 20)).toEqual([])
    // So many of them are worth something.
    expect(answers.filter((each) => each === true).length).toBeGreaterThan(runs / 20)
  })
})
