import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxLineBytes, numbersIn, parseCommand } from './command.ts'
import { LineReader, tooLong, type Line } from './line-reader.ts'

describe('a command line', () => {
  test.each([
    ['stat', 'STAT', ''],
    ['RETR 1', 'RETR', '1'],
    ['PASS  two  words ', 'PASS', ' two  words '],
    ['', '', ''],
  ])('%j is %j with %j', (line, verb, rest) => {
    expect(parseCommand(line)).toEqual({ verb, rest })
  })

  test.each([
    ['', []],
    ['3', [3]],
    [' 3  10 ', [3, 10]],
    ['1 2 3', undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['9999999999', undefined],
  ])('has the numbers of %j', (rest, numbers) => {
    expect(numbersIn(rest, 2)).toEqual(numbers)
  })
})

describe('what a client sends', () => {
  const line = fc
    .string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) })
    .map((text) => text.replaceAll('\n', '').replace(/\r+$/, ''))

  test('is the same lines however it arrives', () => {
    const sent = fc.array(fc.tuple(line, fc.constantFrom('\r\n', '\n')), { maxLength: 10 })
    fc.assert(
      fc.property(sent, fc.integer({ min: 1, max: 20 }), (lines, size) => {
        const bytes = Buffer.from(lines.map(([text, end]) => text + end).join(''), 'latin1')
        const reader = new LineReader(maxLineBytes)
        const read: Line[] = []
        for (let at = 0; at < bytes.length; at += size) {
          reader.push(bytes.subarray(at, at + size))
          for (let next = reader.line(); next !== undefined; next = reader.line()) read.push(next)
        }
        expect(read).toEqual(lines.map(([text]) => text))
      }),
    )
  })

  test('is told once of a line that is too long, and never kept', () => {
    const reader = new LineReader(20)
    const read: (Line | undefined)[] = []
    for (let round = 0; round < 100; round++) {
      reader.push(Buffer.alloc(10, 'x'))
      read.push(reader.line())
    }
    expect(read.filter((each) => each !== undefined)).toEqual([tooLong])
    expect(reader.full).toBe(false)
    reader.push(Buffer.from('end\r\nNOOP\r\n'))
    expect(reader.line()).toBe('NOOP')
    reader.push(Buffer.from(`${'y'.repeat(30)}\nQUIT\n`))
    expect([reader.line(), reader.line(), reader.line()]).toEqual([tooLong, 'QUIT', undefined])
  })
})
