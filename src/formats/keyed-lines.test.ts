import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keysOf, lineOfKey, withLine, withoutKey } from './keyed-lines.ts'

const routes = '# by hand\n\nOne.test:192.0.2.1\ntwo.test:relay.test user word\n:smart.test\n'

describe('a line of a key', () => {
  test('takes the place of the one before it, and nothing else changes', () => {
    expect(withLine(routes, 'one.test:192.0.2.9', ':')).toBe(
      routes.replace('One.test:192.0.2.1', 'one.test:192.0.2.9'),
    )
  })

  test('that is new stands at the end, also where the last line has no end', () => {
    expect(withLine('a', 'b', 'line')).toBe('a\nb\n')
    expect(withLine('', 'b smtp:host', 'blank')).toBe('b smtp:host\n')
  })

  test('is found, and removed, and comments are no keys', () => {
    expect(lineOfKey(routes, 'TWO.test', ':')).toBe('two.test:relay.test user word')
    expect(withoutKey(routes, 'one.test', ':')).toBe(routes.replace('One.test:192.0.2.1\n', ''))
    expect(keysOf(routes, ':')).toEqual(['one.test', 'two.test', ''])
    expect(lineOfKey('#a\n', '#a', 'line')).toBeUndefined()
  })
})

test('what was added and removed leaves the other lines as they were', () => {
  const line = fc.stringMatching(/^[a-z#. ]{0,12}$/)
  fc.assert(
    fc.property(fc.array(line), fc.stringMatching(/^[a-z]{1,8}$/), (lines, key) => {
      const others = lines.filter((each) => each.trim().toLowerCase() !== key)
      const text = others.map((each) => `${each}\n`).join('')
      const added = withLine(text, key, 'line')
      expect(added).toBe(`${text}${key}\n`)
      expect(withoutKey(added, key, 'line')).toBe(text)
    }),
  )
})
