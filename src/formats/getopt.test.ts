import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { getopt, illegalOption } from './getopt.ts'

const letters = (args: readonly string[], known: string): string =>
  getopt(args, known)
    .options.map(({ letter, value }) => letter + value)
    .join(' ')

describe('options of a program of qmail', () => {
  test('are bundled or not, with values behind them or next', () => {
    expect(letters(['-nc+', '-c', 'x', '-N'], 'nNc:')).toBe('n c+ cx N')
  })

  test.each([
    [['-n', '--', '-n'], ['-n']],
    [
      ['-n', '-', '-n'],
      ['-', '-n'],
    ],
    [
      ['a', '-n'],
      ['a', '-n'],
    ],
  ])('end in %j before %j', (args, rest) => {
    expect(getopt(args, 'n').rest).toEqual(rest)
  })

  test('that are none are named as the original names them', () => {
    const said = (args: readonly string[]): string => {
      const { illegal } = getopt(args, 'nc:')
      return illegal === undefined ? '' : illegalOption('qmail-x', illegal)
    }
    expect(said(['-nx'])).toBe('qmail-x: illegal option -- x\n')
    expect(said(['-:'])).toBe('qmail-x: illegal option -- :\n')
    expect(said(['-c'])).toBe('qmail-x: option requires an argument -- c\n')
  })

  test('never swallow what is not theirs', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('-n', 'a', '-', '--', '-cx', '')), (args) => {
        const { rest, illegal } = getopt(args, 'nc:')
        expect(illegal).toBeUndefined()
        expect(args.slice(args.length - rest.length)).toEqual(rest)
      }),
    )
  })
})
