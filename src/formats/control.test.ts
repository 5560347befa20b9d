import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { controlInteger, controlLine, controlList, controlTable } from './control.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const list = (text: string): string[] => controlList(bytes(text)).map((entry) => entry.text)

describe('a file of one line', () => {
  test.each([
    ['mail.example.org\n', 'mail.example.org'],
    ['mail.example.org', 'mail.example.org'],
    ['mail.example.org \t \nsecond line\n', 'mail.example.org'],
    [' NO UCE\n', ' NO UCE'],
    ['# not a comment\n', '# not a comment'],
    ['', ''],
    ['\nsecond\n', ''],
  ])('%j says %j', (text, value) => {
    expect(controlLine(bytes(text), 'fallback')).toEqual({ value, mistakes: [], doubts: [] })
  })

  test('that is missing says its fallback', () => {
    expect(controlLine(undefined, 'fallback').value).toBe('fallback')
  })

  test('does not begin with a byte order mark, and says who has written one', () => {
    const { value, mistakes } = controlLine(bytes('\uFEFFmail.example.org\n'), '')
    expect([value, mistakes.map(({ remedy }) => remedy)]).toEqual([
      'mail.example.org',
      [expect.stringContaining('byte order mark')],
    ])
  })

  test('never lets a control character through to a greeting or a header', () => {
    const { value, mistakes } = controlLine(bytes('mail.example.org\r\n'), '')
    expect(value).toBe('mail.example.org')
    expect(mistakes).toMatchObject([{ line: 1, text: 'mail.example.org\r' }])
  })

  test('of any bytes has a value without line ends', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (text) => {
        expect(controlLine(text, '').value).not.toMatch(/[\r\n\0]/)
      }),
    )
  })
})

describe('a file of an integer', () => {
  test.each([
    ['604800\n', 604_800],
    ['0\n', 0],
    ['007\n', 7],
  ])('%j says %j', (text, value) => {
    expect(controlInteger(bytes(text), 10)).toEqual({ value, mistakes: [], doubts: [] })
  })

  test.each([
    ['20 deliveries\n', 20],
    ['7d\n', 7],
    ['10MB\n', 10],
    ['1e6\n', 1],
  ])('%j says %j, as in qmail, which is hardly meant', (text, value) => {
    const reading = controlInteger(bytes(text), 10)
    expect(reading).toMatchObject({ value, mistakes: [], doubts: [{ line: 1 }] })
    expect(reading.doubts[0]?.remedy).toBe(`write the number alone; ${value} is used`)
  })

  test.each(['', '\n', 'many\n', ' 5\n', '-1\n', '+1\n'])(
    '%j has no digits to begin with: the fallback counts, as in qmail',
    (text) => {
      const { value, mistakes, doubts } = controlInteger(bytes(text), 10)
      expect([value, mistakes, doubts.length]).toEqual([10, [], 1])
    },
  )

  test('too large for a number is a mistake', () => {
    const { value, mistakes } = controlInteger(bytes('99999999999999999999\n'), 10)
    expect(value).toBe(10)
    expect(mistakes).toMatchObject([{ line: 1 }])
  })

  test('that is missing says its fallback', () => {
    expect(controlInteger(undefined, 10)).toEqual({ value: 10, mistakes: [], doubts: [] })
  })
})

describe('a list', () => {
  test('has no empty lines and no comments, and no blanks at the ends of lines', () => {
    expect(list('a\n\n# b\n  \nc \t\n#\nd')).toEqual(['a', 'c', 'd'])
  })

  test('keeps leading blanks and carriage returns, which make a line match nothing', () => {
    expect(list(' a\n #b\nc\r\n')).toEqual([' a', ' #b', 'c\r'])
  })

  test('takes a NUL for the end of an entry, as C does', () => {
    expect(list('a\0b\n\0c\n')).toEqual(['a', 'b'])
  })

  test('knows the line of each entry', () => {
    expect(controlList(bytes('# x\na\n\nb\n')).map(({ line }) => line)).toEqual([2, 4])
  })

  test('that is missing is empty', () => {
    expect(controlList(undefined)).toEqual([])
  })
})

describe('a table', () => {
  test('is split at the first colon, its keys lower-cased, its values not', () => {
    const { value, mistakes } = controlTable(bytes('Virt.Example:Joe:x\n:all\n'))
    expect([...value].map(([key, pair]) => [key, pair.value])).toEqual([
      ['virt.example', 'Joe:x'],
      ['', 'all'],
    ])
    expect(mistakes).toEqual([])
  })

  test('counts the last of two lines with one key, and says so', () => {
    const { value, doubts } = controlTable(bytes('a:1\nA:2\nb:3\nb:3\n'))
    expect(value.get('a')?.value).toBe('2')
    expect(doubts).toMatchObject([{ line: 2, text: 'A:2' }])
    expect(doubts[0]?.remedy).toContain('line 1')
  })

  test.each(['no colon', ' a:1', 'a:1\r', '\uFEFFa:1'])(
    'reports %j, which means nothing',
    (text) => {
      expect(controlTable(bytes(`${text}\n`)).mistakes).toMatchObject([{ line: 1, text }])
    },
  )
})
