import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeWords } from './encoded-words.ts'
import { extensionOf, fileNamesOf } from './file-names.ts'
import { parseStructured, withoutComments } from './parameters.ts'

const names = (disposition: string, type = 'a/b'): readonly string[] =>
  fileNamesOf([parseStructured(disposition)], [parseStructured(type)]).names
const ambiguous = (disposition: string, type = 'a/b'): boolean =>
  fileNamesOf([parseStructured(disposition)], [parseStructured(type)]).ambiguous

describe('the names of a part', () => {
  test.each<[string, readonly string[]]>([
    ['attachment; filename=a.txt', ['a.txt']],
    ['attachment; FileName = "a b.txt" ; size=5', ['a b.txt']],
    ['attachment; filename="a\\"b;c.txt"', ['a"b;c.txt', 'a\\b;c.txt']],
    ['attachment; filename=(x)a.txt', ['a.txt', '(x)a.txt']],
    ['attachment; filename=a b.exe', ['a b.exe', 'a']],
    ['attachment; filename="a.txt".exe', ['a.txt', 'a.txt.exe']],
    ['attachment; filename="a.txt', ['a.txt']],
    ["attachment; filename*=utf-8''na%C3%AFve.exe", ['naïve.exe']],
    ["attachment; filename*0*=iso-8859-1'en'na%EFve; filename*1=.ex; filename*2=e", ['naïve.exe']],
    ['attachment; filename*1=xe; filename*0=a.e', ['a.exe']],
    ["attachment; filename=a.txt; filename*=''a.exe", ['a.exe', 'a.txt']],
    ['attachment; filename="=?utf-8?B?YS5leGU=?="', ['a.exe', '=?utf-8?B?YS5leGU=?=']],
    [
      'attachment; filename="=?utf-8?Q?a=2E?= =?utf-8?Q?exe?="',
      ['a.exe', '=?utf-8?Q?a=2E?= =?utf-8?Q?exe?='],
    ],
    ['attachment; filename=a.txt; filename=a.exe', ['a.txt', 'a.exe']],
    ["attachment; filename*=''a.txt; filename*=''a.exe", ['a.txt', 'a.exe']],
    // Twice the same number: all of them, the first, the last.
    [
      'attachment; filename*0=a.t; filename*0=a.e; filename*1=xt; filename*1=xe',
      ['a.ta.extxe', 'a.txt', 'a.exe'],
    ],
    // A number that is missing: to the end, or up to there.
    ['attachment; filename*0=a.exe; filename*2=.txt', ['a.exe.txt', 'a.exe']],
    ['attachment; filename*0=a.exe; filename*01=.txt', ['a.exe.txt', 'a.exe']],
    ['attachment; filename=""', []],
    ['attachment', []],
  ])('%s', (field, expected) => {
    expect(names(field)).toEqual(expected)
  })

  test('are those of Content-Type too', () => {
    expect(names('attachment; filename=a.txt', 'a/b; name=b.txt')).toEqual(['a.txt', 'b.txt'])
  })

  test('leave a doubt where their extensions differ', () => {
    expect(ambiguous('attachment; filename=a.txt', 'a/b; name=a.exe')).toBe(true)
    expect(ambiguous("attachment; filename=a.txt; filename*=''a.exe")).toBe(true)
    expect(ambiguous('attachment; filename="=?utf-8?B?YS5leGU=?="; filename=b.exe')).toBe(false)
  })

  test.each([
    ['a.EXE', 'exe'],
    ['a.exe. .', 'exe'],
    ['a.tar.gz', 'gz'],
    ['a.b/c', ''],
    ['.exe', 'exe'],
    ['a', ''],
    ['', ''],
  ])('%j has the extension %j', (name, extension) => {
    expect(extensionOf(name)).toBe(extension)
  })
})

describe('encoded words', () => {
  test.each([
    ['=?iso-8859-1?Q?na=EFve?=', 'naïve'],
    ['a =?utf-8?q?b_c?= d', 'a b c d'],
    ['=?utf-8?b?YQ==?=  =?utf-8?b?Yg?=', 'ab'],
    ['=?utf-8*en?Q?x?=', 'x'],
    ['=?gb2312?B?xOO6ww==?=', '你好'],
    ['=?nonsense?Q?=E9?=', 'é'],
    ['=?utf-8?X?a?=', '=?utf-8?X?a?='],
    ['=?utf-8?Q?open', '=?utf-8?Q?open'],
    ['=?=?=?', '=?=?=?'],
  ])('%s is %s', (text, decoded) => {
    expect(decodeWords(text)).toBe(decoded)
  })
})

test('comments are left out, whatever stands in them', () => {
  expect(withoutComments('a (b (c) \\) d) "e (f)" g(')).toBe('a  "e (f)" g')
})

describe('any field', () => {
  const value = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          '"',
          ';',
          '(',
          ')',
          '\\',
          '=',
          '*',
          "'",
          '%',
          'filename',
          'name*0*',
          '=?',
          '?=',
          '?q?',
          'x',
          ' ',
        ),
        { maxLength: 40 },
      )
      .map((all) => all.join('')),
  )

  test('that has many names gives each extension, wherever it stands', () => {
    const many = Array.from({ length: 30 }, (_, n) => `; filename=a${n}.txt`).join('')
    const found = names(`attachment${many}; filename=last.exe; filename=more.exe`)
    expect(found).toHaveLength(17)
    expect(found.at(-1)).toBe('last.exe')
    expect(ambiguous(`attachment${many}`)).toBe(true)
  })

  test('is read, to names and words of bounded size', () => {
    fc.assert(
      fc.property(value, (text) => {
        const found = names(text, text)
        expect(found.length).toBeLessThanOrEqual(256)
        expect(decodeWords(text).length).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 2000 },
    )
  })

  test('that is written as the standards have it is read as it was meant', () => {
    const name = fc
      .string({ minLength: 1, maxLength: 40 })
      .filter((text) => text.trim() !== '' && !text.includes('=?'))
    fc.assert(
      fc.property(name, (text) => {
        const quoted = `attachment; filename="${text.replaceAll(/[\\"]/g, '\\$&')}"; size=1`
        expect(names(quoted)[0]).toBe(text)
        expect(
          names(
            `attachment; filename*=utf-8''${Buffer.from(text).toString('hex').replaceAll(/../g, '%$&')}`,
          )[0],
        ).toBe(text)
      }),
    )
  })
})
