import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cpuMsOf } from 'postern/testkit'
import { extendedExpression } from './posix-ere.ts'

function matches(expression: string, text: string): boolean | string {
  const compiled = extendedExpression(expression)
  return compiled.ok ? compiled.matches(text) : compiled.problem
}

describe('an extended expression', () => {
  test.each([
    ['spam@evil\\.example', 'xSPAM@evil.EXAMPLE.com', true],
    ['^a.*b$', 'aXXb', true],
    ['^a$', 'ab', false],
    ['[\\.]', '\\', true],
    ['[\\w]x', 'wx', true],
    ['[\\w]x', 'ax', false],
    ['[]a]', ']', true],
    ['[^]a]', 'b', true],
    ['[[:digit:]_]{2}', '7_', true],
    ['[[.-.]a]', '-', true],
    ['[a-B]c', 'bc', true],
    ['(a|b)**c', 'c', true],
    ['x{,2}y', 'xxy', true],
    ['a{1}{2}', 'aa', true],
    ['a)', 'a)', true],
    ['a]}', 'a]}', true],
    ['\\<bad\\>', 'a bad one', true],
    ['\\<bad\\>', 'abadon', false],
    ["\\`a\\'", 'a', true],
    ['', 'anything', true],
    ['ü', 'Ü', true],
  ])('%s in %j: %s', (expression, text, found) => {
    expect(matches(expression, text)).toBe(found)
  })

  test.each([
    ['(a', 'a ( without its )'],
    ['[a', 'a [ without its ]'],
    ['[[:alpha', '[: is not closed'],
    ['[[:nothing:]]', '[:nothing:] is unknown'],
    ['[b-a]', 'b-a is no range'],
    ['[a-c-e]', 'a - that is neither first nor last in a [ ]'],
    ['*a', '* repeats nothing'],
    ['^*', '* repeats nothing'],
    ['(?:a)', '? repeats nothing'],
    ['a{x', 'a { that is no {2,3}'],
    ['a{3,2}', '{3,2} is the wrong way round'],
    ['a{2000}', '{2000} is more than 1000'],
    ['(a)\\1', '\\1: back-references are not supported'],
    ['\\d', '\\d means nothing; write [0-9] for a digit'],
    ['a\\', 'a backslash at the end'],
  ])('%s is none: %s', (expression, problem) => {
    expect(matches(expression, 'a')).toBe(problem)
  })

  test('of any text is one or is a mistake, and never takes long', async () => {
    const text = fc.string({
      maxLength: 40,
      unit: fc.constantFrom(...'ab\\[](){}*+?|^$.,-:=1'.split('')),
    })
    fc.assert(fc.property(text, (expression) => void matches(expression, 'a'.repeat(100))))
    const cpuMs = await cpuMsOf(() => {
      for (const piece of ['(a*)*', '[', '(', 'a**', '\\', '{'])
        matches(piece.repeat(100), 'a'.repeat(1_000))
    })
    expect(cpuMs).toBeLessThan(10_000)
  })
})
