import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dotQmailNames, parseDotQmail } from './dot-qmail.ts'
import { latin1Bytes } from './octets.ts'

const parse = (text: string): ReturnType<typeof parseDotQmail> => parseDotQmail(latin1Bytes(text))

describe('a .qmail file', () => {
  test('says what to do line by line, in order', () => {
    const text =
      '# mine\n./Maildir/\n./mbox \t\n|program with words\n&a@example.org\nb@example.org\n'
    expect(parse(text).instructions).toEqual([
      { do: 'maildir', path: './Maildir/' },
      { do: 'mbox', path: './mbox' },
      { do: 'program', command: 'program with words' },
      { do: 'forward', address: 'a@example.org' },
      { do: 'forward', address: 'b@example.org' },
    ])
  })

  test('may end without a line end', () => {
    expect(parse('&a@b').instructions).toEqual([{ do: 'forward', address: 'a@b' }])
  })

  test('obeys +list and ignores what else begins with a plus', () => {
    expect(parse('+list\n+other\n').instructions).toEqual([{ do: 'forward-only' }])
  })

  test('that begins with an empty line says so', () => {
    expect(parse('\n./Maildir/\n').beginsBlank).toBe(true)
    expect(parse('#\n\n./Maildir/\n').beginsBlank).toBe(false)
  })

  test('of any bytes has at most one instruction for each line, and none with a line end in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const bytes = Buffer.from(text, 'latin1')
        const { instructions } = parseDotQmail(bytes)
        expect(instructions.length).toBeLessThanOrEqual(bytes.toString('latin1').split('\n').length)
        for (const each of instructions) {
          // Not as JSON: there a backslash before an n of the file's own looks like a line end.
          const texts = Object.values(each).map(String)
          expect(texts.filter((value) => value.includes('\n') || value.includes('\0'))).toEqual([])
        }
      }),
    )
  })
})

describe('the .qmail files of an address', () => {
  const names = (dash: string, extension: string): readonly string[] =>
    dotQmailNames(dash, extension).map(({ name }) => name)

  test('are .qmail, and one that nobody has, where there is no extension', () => {
    expect(names('', '')).toEqual(['.qmail', '.qmaildefault'])
  })

  test('have the extension in their names where nothing stands before it', () => {
    expect(names('', 'a-b')).toEqual(['.qmaila-b', '.qmaila-default', '.qmaildefault'])
  })

  test('go from the whole extension to the defaults, the longest first', () => {
    expect(names('-', 'list-Return-7')).toEqual([
      '.qmail-list-return-7',
      '.qmail-list-return-default',
      '.qmail-list-default',
      '.qmail-default',
    ])
  })

  test('name no other folder', () => {
    expect(names('-', '../../etc/x.y')[0]).toBe('.qmail-::/::/etc/x:y')
  })

  test('say what default stands for, as the sender wrote it', () => {
    expect(dotQmailNames('-', 'foo-Bar')[1]).toEqual({ name: '.qmail-foo-default', default: 'Bar' })
  })

  test('are as many as the extension has dashes, and two, all of them below .qmail', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (extension) => {
        const found = names('-', extension)
        expect(found).toHaveLength(extension.split('-').length + 1)
        expect(found.every((name) => name.startsWith('.qmail-'))).toBe(true)
        expect(found.some((name) => name.includes('.', 1))).toBe(false)
      }),
    )
  })
})
