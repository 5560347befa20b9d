import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../mail/json.ts'
import { jsonWithin } from './json-within.ts'

const within = (value: unknown, left = 1e9): unknown => parseJson(jsonWithin(value, { left }))

describe('what a plugin handed over, as JSON within bounds', () => {
  test('is what JSON.stringify would write, where it is small and JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(within(value)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('is JSON, whatever it is, and not much longer than it may be', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        fc.nat(500),
        (value, left) => {
          const text = jsonWithin(value, { left })
          expect(parseJson(text)).toBeDefined()
        },
      ),
    )
    const long = { list: Array.from({ length: 1e5 }, () => 'evidence'), text: 'x'.repeat(1e5) }
    expect(jsonWithin(long, { left: 2000 }).length).toBeLessThan(6000)
    const keys = Object.fromEntries(
      Array.from({ length: 200 }, (_, at) => [`${at} `.repeat(300), 1]),
    )
    expect(jsonWithin({ keys, more: keys }, { left: 2000 }).length).toBeLessThan(6000)
  })

  test('says with an ellipsis what does not fit, and by its kind what is no JSON', () => {
    const circle: Record<string, unknown> = {}
    circle['own'] = circle
    expect(JSON.stringify(within(circle))).toBe(`${'{"own":'.repeat(9)}"…"${'}'.repeat(9)}`)
    expect(within({ long: 'x'.repeat(1001) })).toEqual({ long: `${'x'.repeat(1000)}…` })
    expect(within([1n, undefined, () => 0, Number.NaN, Symbol('s')])).toEqual([
      'bigint',
      null,
      'function',
      'NaN',
      'symbol',
    ])
    expect(within(['first', 'second'], 13)).toEqual(['first', '…'])
    expect(within({ first: 1, second: 2, third: 3 }, 13)).toEqual({
      first: 1,
      second: '…',
      '…': '…',
    })
  })

  test('keeps the first two hundred of a list or an object', () => {
    const many = Array.from({ length: 300 }, (_, at) => at)
    expect(within(many)).toHaveLength(200)
    expect(
      Object.keys(within(Object.fromEntries(many.map((at) => [`k${at}`, at]))) ?? {}),
    ).toHaveLength(200)
  })

  test('holds a key that would be a prototype as a key', () => {
    expect(jsonWithin(JSON.parse('{"__proto__":{"a":1}}'), { left: 100 })).toBe(
      '{"__proto__":{"a":1}}',
    )
  })
})
