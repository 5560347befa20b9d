import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headerEnd, parseHeader } from './header.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const pairs = (text: string): readonly (readonly [string, string])[] =>
  parseHeader(bytes(text)).fields.map(({ name, value }) => [name, value])

describe('a header', () => {
  test('is read up to its empty line', () => {
    expect(pairs('From: ann@example.org\r\nSubject: Hi\r\n\r\nTo: body\r\n')).toEqual([
      ['From', 'ann@example.org'],
      ['Subject', 'Hi'],
    ])
  })

  test('is unfolded', () => {
    expect(pairs('Subject: one\r\n two\r\n\tthree\r\nTo:\r\n ann\r\n\r\n')).toEqual([
      ['Subject', 'one two\tthree'],
      ['To', 'ann'],
    ])
  })

  test('keeps the blank-only line of a fold inside its field', () => {
    expect(pairs('A: one\r\n \r\n two\r\nB: x\r\n')).toEqual([
      ['A', 'one  two'],
      ['B', 'x'],
    ])
  })

  test('is found by name without regard to case, topmost first', () => {
    const header = parseHeader(bytes('Received: two\r\nX: y\r\nRECEIVED: one\r\n\r\n'))
    expect(header.first('received')).toBe('two')
    expect(header.all('Received')).toEqual(['two', 'one'])
    expect(header.first('subject')).toBeUndefined()
    expect(header.all('constructor')).toEqual([])
  })

  test('allows blanks before the colon, as the obsolete syntax does', () => {
    expect(pairs('Subject \t: Hi\r\n')).toEqual([['Subject', 'Hi']])
  })

  test.each([
    'no field at all',
    ': nameless',
    'two words: x',
    ' a fold of nothing',
    'Bjørn: x',
    'From ann Sat Nov 21 08:10:12 2026',
  ])('keeps the line %j under an empty name', (line) => {
    expect(pairs(`${line}\r\nTo: ann\r\n\r\n`)).toEqual([
      ['', line.trim()],
      ['To', 'ann'],
    ])
  })

  test('reads a value outside ASCII as UTF-8, or as latin1 where that fails', () => {
    expect(parseHeader(Buffer.from('Subject: blåbær\r\n')).first('subject')).toBe('blåbær')
    expect(parseHeader(bytes('Subject: blåbær\r\n')).first('subject')).toBe('blåbær')
  })

  test('is not ended by a bare line feed, which reads as a blank', () => {
    expect(pairs('Subject: one\nEvil: two\n\nthree\r\nTo: ann\r\n\r\n')).toEqual([
      ['Subject', 'one Evil: two  three'],
      ['To', 'ann'],
    ])
  })

  test('may lack its empty line and its last line end', () => {
    expect(pairs('To: ann\r\nSubject: Hi')).toEqual([
      ['To', 'ann'],
      ['Subject', 'Hi'],
    ])
    expect(pairs('')).toEqual([])
    expect(pairs('\r\nTo: ann\r\n')).toEqual([])
  })

  test('says when a limit has cut it', () => {
    const text = 'A: 1\r\nB: 2\r\nC: 3\r\n\r\n'
    const fields = (limits: {
      maxBytes: number
      maxFields: number
    }): readonly [number, boolean] => {
      const header = parseHeader(bytes(text), limits)
      return [header.fields.length, header.cut]
    }
    expect(fields({ maxBytes: 18, maxFields: 3 })).toEqual([3, false])
    expect(fields({ maxBytes: 17, maxFields: 3 })).toEqual([2, true])
    expect(fields({ maxBytes: 18, maxFields: 2 })).toEqual([2, true])
  })

  test('has ten thousand fields at most', () => {
    const header = parseHeader(bytes(`${'A: x\r\n'.repeat(10_001)}\r\n`))
    expect(header.fields).toHaveLength(10_000)
    expect(header.cut).toBe(true)
  })
})

describe('the end of a header', () => {
  test.each([
    ['A: b\r\n\r\nbody', 8],
    ['\r\nbody', 2],
    ['\r\n', 2],
    ['A: b\r\n', -1],
    ['A: b\r\n\r', -1],
    ['A: b\n\nbody', -1],
    ['', -1],
  ])('in %j is %d', (text, end) => {
    expect(headerEnd(bytes(text))).toBe(end)
  })

  test('is found wherever the bytes were cut before', () => {
    const text = bytes('A: b\r\n\r\nC: d\r\n\r\n')
    for (let cut = 0; cut < 8; cut++) {
      expect(headerEnd(text.subarray(0, cut))).toBe(-1)
      expect(headerEnd(text, cut)).toBe(8)
    }
  })
})

describe('any bytes', () => {
  const piece = fc.constantFrom(
    '\r\n',
    '\r',
    '\n',
    ' ',
    '\t',
    ':',
    'A',
    'Subject',
    'ø',
    '\0',
    '\xff',
  )
  const texts = fc.array(piece, { maxLength: 60 }).map((pieces) => bytes(pieces.join('')))

  test('are covered by the fields without a gap, up to the empty line', () => {
    fc.assert(
      fc.property(texts, (text) => {
        let offset = 0
        for (const { range, value } of parseHeader(text).fields) {
          expect(range.offset).toBe(offset)
          expect(value).not.toMatch(/[\r\n]/)
          offset += range.length
        }
        const end = headerEnd(text)
        expect(offset).toBe(end < 0 ? text.length : end - 2)
      }),
      { numRuns: 2000 },
    )
  })
})
