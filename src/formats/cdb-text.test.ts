import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CdbError, type CdbEntry } from './cdb.ts'
import { formatCdbmake, parseCdbmake, parseCdbmake12 } from './cdb-text.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const texts = (entries: Iterable<CdbEntry>): string[][] =>
  [...entries].map((entry) => entry.map((part) => Buffer.from(part).toString('latin1')))

describe("cdbmake's text", () => {
  test('holds any bytes: lengths say where a key or a value ends', () => {
    const text = '+3,6:a\nb->c\n->d\n\n+9,2:+1,1:a->b->\n\n\n\n'
    expect(texts(parseCdbmake(bytes(text)))).toEqual([
      ['a\nb', 'c\n->d\n'],
      ['+1,1:a->b', '\n\n'],
    ])
  })

  test('ends with an empty line; what follows it is not read', () => {
    expect(texts(parseCdbmake(bytes('+1,1:a->b\n\nanything')))).toEqual([['a', 'b']])
    expect(texts(parseCdbmake(bytes('\n')))).toEqual([])
  })

  test('takes a missing length for zero, as cdbmake does', () => {
    expect(texts(parseCdbmake(bytes('+,:->\n\n')))).toEqual([['', '']])
  })

  test.each([
    ['', 0],
    ['+1,1:a->b\n', 10],
    ['+1,1:a->b', 9],
    ['+1,1:a->bc\n\n', 9],
    ['+1,1:a=>b\n\n', 6],
    ['+1;1:a->b\n\n', 2],
    ['-1,1:a->b\n\n', 0],
    ['+9,1:a->b\n\n', 11],
    ['+99999999999,1:a->b\n\n', 10],
  ])('that breaks the format is an error with its place: %j', (text, offset) => {
    const read = () => texts(parseCdbmake(bytes(text)))
    expect(read).toThrow(CdbError)
    expect(read).toThrow(`(at byte ${offset})`)
  })

  test('is written as it is read', () => {
    const entry = fc.tuple(fc.uint8Array(), fc.uint8Array())
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        expect(texts(parseCdbmake(formatCdbmake(entries)))).toEqual(texts(entries))
      }),
    )
  })

  test('of any bytes at all gives records or a CdbError', () => {
    const nearly = fc.stringMatching(/^(\+[0-9]{0,2},[0-9]{0,2}:[-a>\n]{0,9}){0,4}$/).map(bytes)
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), nearly), (text) => {
        expect(readOrError(text)).toSatisfy((got) => Array.isArray(got) || got instanceof CdbError)
      }),
    )
  })
})

test("cdbmake-12's text is two words a line; comments and empty lines are skipped", () => {
  const text = '# users\nsam@example.com\n\n  joe@example.com\t-  dropped\n#\nlast value'
  expect(texts(parseCdbmake12(bytes(text)))).toEqual([
    ['sam@example.com', ''],
    ['joe@example.com', '-'],
    ['last', 'value'],
  ])
})

function readOrError(text: Uint8Array): unknown {
  try {
    return texts(parseCdbmake(text))
  } catch (error) {
    return error
  }
}
