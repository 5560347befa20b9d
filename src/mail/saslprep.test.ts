import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { component, isMissing } from '../../test/setup/components.ts'
import { saslprep } from './saslprep.ts'

describe('SASLprep', () => {
  test.each([
    ['I\u00adX', 'IX', 'a soft hyphen is mapped to nothing'],
    ['user', 'user', 'no transformation'],
    ['USER', 'USER', 'case is kept'],
    ['\u00aa', 'a', 'NFKC'],
    ['\u2168', 'IX', 'NFKC'],
    ['\u0007', undefined, 'a control character is prohibited'],
    ['\u0627\u0031', undefined, 'the directions of writing are mixed'],
  ])('does as RFC 4013 §3 shows: %j becomes %j (%s)', (text, prepared, _why) => {
    expect(saslprep(text)).toBe(prepared)
  })

  test.each([
    ['a\u00a0b', 'a b'],
    ['a\u200bb', 'a b'],
    ['\u0627\u0628', '\u0627\u0628'],
    ['\u0627a\u0628', undefined],
    ['\ue000', undefined],
    ['\ud800', undefined],
    ['\u{e0001}', undefined],
    ['', ''],
  ])('%j becomes %j', (text, prepared) => {
    expect(saslprep(text)).toBe(prepared)
  })

  test('done twice is done once', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = saslprep(text)
        expect(once === undefined ? undefined : saslprep(once)).toBe(once)
      }),
    )
  })
})

/** Python's tables of RFC 3454, and its normalisation of Unicode 3.2. */
const python = `
import json, stringprep, sys
from unicodedata import ucd_3_2_0
def prep(text):
    text = ''.join(' ' if stringprep.in_table_c12(c) else c for c in text if stringprep.in_table_c12(c) or not stringprep.in_table_b1(c))
    text = ucd_3_2_0.normalize('NFKC', text)
    for c in text:
        if any(table(c) for table in (stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3,
                stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7,
                stringprep.in_table_c8, stringprep.in_table_c9)):
            return None
    if any(map(stringprep.in_table_d1, text)):
        if not stringprep.in_table_d1(text[0]) or not stringprep.in_table_d1(text[-1]) or any(map(stringprep.in_table_d2, text)):
            return None
    return text
print(json.dumps([prep(text) for text in json.load(sys.stdin)
    if not any(stringprep.in_table_a1(c) for c in text)]))
`
const isAssigned = `
import json, stringprep, sys
print(json.dumps([text for text in json.load(sys.stdin) if not any(stringprep.in_table_a1(c) for c in text)]))
`

describe.skipIf(isMissing('python3'))("Python's stringprep", () => {
  const ask = (script: string, texts: readonly string[]): (string | null)[] =>
    JSON.parse(
      execFileSync(component('python3')!.path, ['-c', script], {
        input: JSON.stringify(texts),
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      }),
    )

  test('says the same of every code point of Unicode 3.2, and of mixtures', () => {
    const planes = [...range(0, 0x30000), ...range(0xe0000, 0xe1000)]
    const single = planes
      .filter((point) => point < 0xd800 || point > 0xdfff)
      .map((point) => String.fromCodePoint(point))
    const between = single.slice(0, 0x3000).map((character) => `\u0627${character}\u0628`)
    const texts = ask(isAssigned, [...single, ...between]).map(String)
    const theirs = ask(python, texts)
    const differing = texts.filter((text, index) => (saslprep(text) ?? null) !== theirs[index])
    expect(texts.length).toBeGreaterThan(80_000)
    // Five characters whose mapping Unicode's corrigendum 4 mended after 3.2.
    expect(differing.map(escaped)).toEqual(['2f868', '2f874', '2f91f', '2f95f', '2f9bf'])
  })
})

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

function escaped(text: string): string {
  return Array.from(text, (character) => character.codePointAt(0)?.toString(16)).join(' ')
}
