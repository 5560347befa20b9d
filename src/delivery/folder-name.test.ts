import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { folderName } from './folder-name.ts'

const part = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('.', '/', '%', '2', 'E', 'a', 'A', '\0', '\n'), maxLength: 9 }),
)
const fold = (text: string) => text.normalize('NFC').toLowerCase()

describe('the folder of a local-part or domain', () => {
  test.each([
    ['bob', 'bob'],
    ['Bob', 'bob'],
    ['bob+tag', 'bob+tag'],
    ['first.last', 'first.last'],
    ['', '%'],
    ['.', '%2E'],
    ['..', '%2E.'],
    ['../../etc/passwd', '%2E.%2F..%2Fetc%2Fpasswd'],
    ['.hidden', '%2Ehidden'],
    ['a/b', 'a%2Fb'],
    ['a\0b', 'a%00b'],
    ['a%2Fb', 'a%252fb'],
    ['[192.0.2.1]', '%5B192.0.2.1%5D'],
    ['jörg', 'j%C3%B6rg'],
  ])('%j is kept in %s', (given, name) => {
    expect(folderName(given)).toBe(name)
  })

  test('is always exactly one step below the mail root', () => {
    fc.assert(
      fc.property(part, (text) => {
        const name = folderName(text)
        expect(name).toMatch(/^[a-zA-Z0-9_+=@,~%-][a-zA-Z0-9_+=@,~%.-]*$/)
        expect(resolve('/mail', name)).toBe(`/mail/${name}`)
        expect(name.length).toBeLessThanOrEqual(200)
      }),
    )
  })

  test('is shared by two parts only when they differ in letter case alone', () => {
    fc.assert(
      fc.property(part, part, (one, other) => {
        expect(folderName(one) === folderName(other)).toBe(fold(one) === fold(other))
      }),
    )
  })

  test('over-long parts that differ at the end only are still told apart', () => {
    const long = 'x'.repeat(400)
    expect(folderName(`${long}1`)).not.toBe(folderName(`${long}2`))
  })

  test('a part that spells an escape is not taken for one', () => {
    expect(folderName('%2ehidden')).not.toBe(folderName('.hidden'))
    expect(folderName('%')).not.toBe(folderName(''))
  })
})
