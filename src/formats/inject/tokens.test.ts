import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAddressList } from './address-list.ts'
import { qualify } from './qualify.ts'
import { formatTokens, parseTokens, unquoted } from './tokens.ts'

const qualifiers = {
  defaultHost: 'dh.example',
  defaultDomain: 'dd.example',
  plusDomain: 'plus.example',
}

function rewritten(field: string): string | undefined {
  const tokens = parseTokens(field) ?? []
  const list = readAddressList(tokens, (each) => qualify(each, qualifiers))
  return list.tokens === undefined ? undefined : formatTokens(list.tokens)
}

function addresses(field: string): readonly string[] {
  return readAddressList(parseTokens(field) ?? [], (each) => each).addresses.map(unquoted)
}

/** What people type, and what they should not. */
const piece = fc.constantFrom(
  'a',
  'b.c',
  '@',
  '<',
  '>',
  ',',
  ';',
  ':',
  '.',
  '"q q"',
  '(c)',
  '[1.2.3.4]',
  ' ',
  '\\x',
  '\n ',
)
const field = fc.array(piece, { maxLength: 25 }).map((parts) => parts.join(''))

describe('an address field', () => {
  test('is read from its end', () => {
    expect(addresses('Bob <b@c.d>, group: e@f.g, h;')).toEqual(['h', 'e@f.g', 'b@c.d'])
  })

  test('keeps phrases, comments and groups, and gets full domains', () => {
    expect(rewritten('"Q, J" <q>, r@s (c), g: t@u+;')).toBe(
      '"Q, J" <q@dh.example>, r@s.dd.example (c), g: t@u.plus.example;',
    )
  })

  test('is folded behind commas where its lines would be long', () => {
    const names = Array.from({ length: 12 }, (_, index) => `somebody${index}@example.org`)
    const lines = rewritten(names.join(','))?.split('\n') ?? []
    expect(lines.length).toBeGreaterThan(2)
    expect(lines.every((line) => line.length <= 80)).toBe(true)
    expect(lines.slice(1).every((line) => line.startsWith('  somebody'))).toBe(true)
  })

  test('of any text is read or refused, and what is written can be read', () => {
    const texts = fc.oneof(field, fc.string({ unit: 'binary', maxLength: 40 }))
    fc.assert(
      fc.property(texts, (text) => {
        const tokens = parseTokens(text)
        fc.pre(tokens !== undefined)
        expect(parseTokens(formatTokens(tokens))).toBeDefined()
        const { addresses: found } = readAddressList(tokens, (each) => each)
        expect(found.length).toBeLessThanOrEqual(tokens.length)
      }),
      { numRuns: 300 },
    )
  })

  test('has every address completed', () => {
    fc.assert(
      fc.property(field, (text) => {
        const list = readAddressList(parseTokens(text) ?? [], (each) => qualify(each, qualifiers))
        const bare = list.addresses.filter(
          (each) => each.length > 0 && !each.some(({ type }) => type === 'at'),
        )
        expect(bare).toEqual([])
      }),
    )
  })
})
