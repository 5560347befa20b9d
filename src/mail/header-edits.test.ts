import { AssertionError } from 'node:assert'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HeaderEdit } from './edits.ts'
import { applyHeaderEdits, assertHeaderEdit } from './header-edits.ts'
import { headerEnd, parseHeader } from './header.ts'

const header = 'Received: one\r\nSubject:  Hi\r\n  there\r\nreceived: two\r\nX-Æ: \xff\r\n\r\n'
const edited = (edits: readonly HeaderEdit[], text = header): string =>
  Buffer.from(applyHeaderEdits(Buffer.from(text, 'latin1'), edits)).toString('latin1')

describe('header edits', () => {
  test('of which there are none change nothing', () => {
    expect(edited([])).toBe(header)
  })

  test('prepend each above the one before', () => {
    expect(
      edited([
        { edit: 'prepend', name: 'A', value: '1' },
        { edit: 'prepend', name: 'B', value: '2' },
      ]),
    ).toBe(`B: 2\r\nA: 1\r\n${header}`)
  })

  test('append below, before the empty line', () => {
    expect(edited([{ edit: 'append', name: 'A', value: '1' }])).toBe(
      header.replace(/\r\n$/, 'A: 1\r\n\r\n'),
    )
  })

  test('remove every field of a name, or one of them', () => {
    expect(edited([{ edit: 'remove', name: 'RECEIVED' }])).toBe(
      'Subject:  Hi\r\n  there\r\nX-Æ: \xff\r\n\r\n',
    )
    expect(edited([{ edit: 'remove', name: 'received', nth: 2 }])).toBe(
      header.replace('received: two\r\n', ''),
    )
    expect(edited([{ edit: 'remove', name: 'received', nth: 3 }])).toBe(header)
    expect(edited([{ edit: 'remove', name: 'absent' }])).toBe(header)
  })

  test('replace a field where it stands', () => {
    expect(edited([{ edit: 'replace', name: 'subject', value: '[x] Hi' }])).toBe(
      header.replace('Subject:  Hi\r\n  there\r\n', 'subject: [x] Hi\r\n'),
    )
    expect(edited([{ edit: 'replace', name: 'Received', nth: 2, value: 'x' }])).toBe(
      header.replace('received: two', 'Received: x'),
    )
    expect(edited([{ edit: 'replace', name: 'absent', value: 'x' }])).toBe(header)
  })

  test('leave one field of a name that they replace', () => {
    expect(edited([{ edit: 'replace', name: 'Received', value: 'x' }])).toBe(
      'Received: x\r\nSubject:  Hi\r\n  there\r\nX-Æ: \xff\r\n\r\n',
    )
  })

  test('see what those before them did', () => {
    expect(
      edited([
        { edit: 'prepend', name: 'A', value: '1' },
        { edit: 'append', name: 'A', value: '2' },
        { edit: 'remove', name: 'a' },
        { edit: 'append', name: 'a', value: '3' },
        { edit: 'replace', name: 'a', value: '4' },
      ]),
    ).toBe(header.replace(/\r\n$/, 'a: 4\r\n\r\n'))
  })

  test('count fields as they were received, whatever was added or removed before', () => {
    const list: readonly HeaderEdit[] = [
      { edit: 'prepend', name: 'Received', value: 'ours' },
      { edit: 'remove', name: 'Received', nth: 1 },
      { edit: 'replace', name: 'Received', nth: 2, value: 'changed' },
      { edit: 'replace', name: 'Received', nth: 2, value: 'changed again' },
      { edit: 'remove', name: 'Received', nth: 1 },
    ]
    expect(edited(list)).toBe(
      `Received: ours\r\n${header.replace(/^Received: .*\r\n/, '').replace('received: two', 'Received: changed again')}`,
    )
  })

  test('write values outside ASCII as UTF-8', () => {
    const out = applyHeaderEdits(Buffer.from('\r\n'), [{ edit: 'append', name: 'A', value: 'ø' }])
    expect(Buffer.from(out).toString()).toBe('A: ø\r\n\r\n')
  })

  test('work where the message ends within its header', () => {
    const append: HeaderEdit = { edit: 'append', name: 'A', value: '1' }
    expect(edited([append], 'To: ann\r\n')).toBe('To: ann\r\nA: 1\r\n')
    expect(edited([append], 'To: ann')).toBe('To: ann\r\nA: 1\r\n')
    expect(edited([append], '')).toBe('A: 1\r\n')
    expect(edited([append], '\r\nbody')).toBe('A: 1\r\n\r\nbody')
  })

  test('never lend the name of a prepended field to a line that stood on top', () => {
    const orphan = ' dkim=pass\r\nTo: ann\r\n\r\n'
    const prepend: HeaderEdit = { edit: 'prepend', name: 'Authentication-Results', value: 'none' }
    const guarded = 'Authentication-Results: none\r\nX-Malformed:\r\n dkim=pass\r\nTo: ann\r\n\r\n'
    expect(edited([prepend], orphan)).toBe(guarded)
    expect(edited([{ edit: 'remove', name: 'absent' }, prepend], orphan)).toBe(guarded)
    expect(parseHeader(Buffer.from(guarded)).first('authentication-results')).toBe('none')
  })

  test('are refused when they would break the header', () => {
    const bad: readonly HeaderEdit[] = [
      { edit: 'prepend', name: 'A', value: 'x\r\nEvil: y' },
      { edit: 'append', name: 'A', value: 'x\r\n\r\nbody' },
      { edit: 'replace', name: 'A:', value: 'x' },
      { edit: 'remove', name: '' },
      { edit: 'remove', name: 'A', nth: 0 },
      { edit: 'replace', name: 'A', nth: 1.5, value: 'x' },
    ]
    for (const edit of bad) {
      expect(() => assertHeaderEdit(edit)).toThrow(AssertionError)
      expect(() => applyHeaderEdits(Buffer.from(header), [edit])).toThrow(AssertionError)
    }
  })
})

describe('any edits of any header', () => {
  const name = fc.constantFrom('A', 'a', 'Subject', 'X')
  const value = fc.constantFrom('', '1', 'two words', '\r\n folded', 'v '.repeat(80))
  const nth = fc.integer({ min: 1, max: 3 })
  const edits: fc.Arbitrary<readonly HeaderEdit[]> = fc.array(
    fc.oneof(
      fc.record({ edit: fc.constantFrom('prepend', 'append'), name, value }),
      fc.record({ edit: fc.constant('remove'), name }),
      fc.record({ edit: fc.constant('remove'), name, nth }),
      fc.record({ edit: fc.constant('replace'), name, value }),
      fc.record({ edit: fc.constant('replace'), name, value, nth }),
    ),
    { maxLength: 6 },
  )
  const line = fc.constantFrom(
    'A: 1',
    'subject: x',
    'junk',
    ' fold',
    '\tfold',
    'B: \xff',
    'C:\n',
    '\r',
  )
  const headers = fc
    .array(line, { maxLength: 12 })
    .map((lines) => Buffer.from([...lines, '', ''].join('\r\n'), 'latin1'))
    .map((bytes) => bytes.subarray(0, headerEnd(bytes)))

  test('keep one header, ended once, with every field that no edit names', () => {
    const others = (bytes: Uint8Array): readonly string[] =>
      parseHeader(bytes)
        .fields.filter(({ name: spelled }) => !/^(?:a|subject|x|x-malformed|)$/i.test(spelled))
        .map(({ range: { offset, length } }) =>
          Buffer.from(bytes).toString('latin1', offset, offset + length),
        )
    fc.assert(
      fc.property(headers, edits, (bytes, list) => {
        const out = applyHeaderEdits(bytes, list)
        expect(headerEnd(out)).toBe(out.length)
        expect(others(out)).toEqual(others(bytes))
      }),
      { numRuns: 2000 },
    )
  })
})
