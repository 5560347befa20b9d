import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mimeLimits } from './limits.ts'
import { MimeScanner, ourChoices, type ScanResult } from './scanner.ts'
import type { MimeChoices } from './tree.ts'

function scan(text: string | Buffer, choices: Partial<MimeChoices> = {}, limits = mimeLimits) {
  const scanner = new MimeScanner({ ...ourChoices, ...choices }, limits)
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += 65_536) scanner.push(bytes.subarray(at, at + 65_536))
  return scanner.end()
}

const lines = (...each: readonly string[]): string => each.join('\r\n')

/** Each part as `depth type "body"`. */
function outline(text: string, choices: Partial<MimeChoices> = {}): readonly string[] {
  return scan(text, choices).parts.map(
    ({ depth, type, container, bodyRange: { offset, length } }) =>
      container
        ? `${depth} ${type}`
        : `${depth} ${type} ${JSON.stringify(text.slice(offset, offset + length))}`,
  )
}

const kindsOf = (text: string): readonly string[] => scan(text).ambiguities.map(({ kind }) => kind)

const mixed = (...parts: readonly string[]): string =>
  lines(
    'Content-Type: multipart/mixed; boundary="b"',
    '',
    ...parts.flatMap((part) => ['--b', part]),
    '--b--',
    '',
  )

describe('the parts of a message', () => {
  test('are one where there is no multipart', () => {
    expect(outline('Subject: x\r\n\r\nHello\r\n')).toEqual(['0 text/plain "Hello\\r\\n"'])
    expect(outline('')).toEqual(['0 text/plain ""'])
    expect(outline('Subject: x')).toEqual(['0 text/plain ""'])
    expect(outline('\r\nbody')).toEqual(['0 text/plain "body"'])
  })

  test('lie between delimiters, without the line end that belongs to these', () => {
    const text = mixed('\r\none', 'Content-Type: text/html\r\n\r\ntwo\r\n', 'X: empty\r\n')
    expect(outline(text)).toEqual([
      '0 multipart/mixed',
      '1 text/plain "one"',
      '1 text/html "two\\r\\n"',
      '1 text/plain ""',
    ])
    expect(kindsOf(text)).toEqual([])
  })

  test('nest, and an outer delimiter ends what is within', () => {
    const inner = lines('Content-Type: multipart/alternative; boundary=b2', '', '--b2', '', 'deep')
    const text = mixed(inner, '\r\nafter')
    expect(outline(text)).toEqual([
      '0 multipart/mixed',
      '1 multipart/alternative',
      '2 text/plain "deep"',
      '1 text/plain "after"',
    ])
    expect(kindsOf(text)).toEqual(['no-end'])
  })

  test('of messages within are found, and of a digest too', () => {
    const text = lines(
      'Content-Type: multipart/digest; boundary=d',
      '',
      '--d',
      '',
      'Subject: one',
      'Content-Type: text/html',
      '',
      'x',
      '--d',
      'Content-Type: message/rfc822',
      '',
      'Subject: two',
      '',
      'y',
      '--d--',
    )
    expect(outline(text)).toEqual([
      '0 multipart/digest',
      '1 message/rfc822',
      '2 text/html "x"',
      '1 message/rfc822',
      '2 text/plain "y"',
    ])
  })

  test('have delimiters that blanks may follow, but no other text', () => {
    const text = lines(
      'Content-Type: multipart/x; boundary=ab',
      '',
      '--ab \t',
      '',
      'one',
      '--abc',
      '--ab--  ',
      '',
    )
    expect(outline(text)).toEqual(['0 multipart/x', '1 text/plain "one\\r\\n--abc"'])
    expect(outline(text, { delimiters: 'prefix' })).toHaveLength(3)
    expect(kindsOf(text)).toEqual(['boundary'])
  })

  test('may have a boundary that ends in hyphens, or is the beginning of another', () => {
    const inner = lines(
      'Content-Type: multipart/y; boundary="b--"',
      '',
      '--b--',
      '',
      'in',
      '--b----',
    )
    expect(outline(mixed(inner, '\r\nout'))).toEqual([
      '0 multipart/mixed',
      '1 multipart/y',
      '2 text/plain "in"',
      '1 text/plain "out"',
    ])
  })

  test('after the end are parts too, and noted', () => {
    const text = `${mixed('\r\none')}--b\r\n\r\nhidden\r\n--b--\r\n`
    expect(outline(text)).toEqual([
      '0 multipart/mixed',
      '1 text/plain "one"',
      '1 text/plain "hidden"',
    ])
    expect(kindsOf(text)).toEqual(['after-end'])
  })

  test('begin at a delimiter even where a header has not ended', () => {
    const text = mixed('X: no body\r\n--b\r\nContent-Type: text/html\r\n\r\nx')
    expect(outline(text)).toEqual(['0 multipart/mixed', '1 text/plain ""', '1 text/html "x"'])
    expect(kindsOf(text)).toEqual(['header'])
  })

  test('begin at a delimiter where the header of a message within has not begun', () => {
    const text = mixed('Content-Type: message/rfc822\r\n--b\r\n\r\nx')
    expect(outline(text)).toEqual([
      '0 multipart/mixed',
      '1 message/rfc822',
      '2 text/plain ""',
      '1 text/plain "x"',
    ])
  })

  test('are named with the range of their header', () => {
    const text = mixed('Content-Type: text/html\r\n\r\nx')
    const { offset, length } = scan(text).parts[1]?.headerRange ?? { offset: 0, length: 0 }
    expect(text.slice(offset, offset + length)).toBe('Content-Type: text/html\r\n\r\n')
  })

  test('may have boundaries outside ASCII, in either charset', () => {
    for (const charset of ['utf8', 'latin1'] as const) {
      const bytes = Buffer.from(
        mixed('\r\none').replaceAll('--b', '--é').replace('"b"', '"é"'),
        charset,
      )
      expect(scan(bytes).parts).toHaveLength(2)
    }
  })
})

describe('where readers differ', () => {
  test.each<[string, string, string]>([
    ['a second Content-Type', 'content-type', `Content-Type: text/plain\r\n${mixed('\r\nx')}`],
    [
      'two boundaries',
      'content-type',
      lines(
        'Content-Type: multipart/mixed; boundary=a; boundary=b',
        '',
        '--b',
        '',
        'x',
        '--b--',
        '',
      ),
    ],
    [
      'a boundary in two forms',
      'content-type',
      lines(
        "Content-Type: multipart/mixed; boundary=a; boundary*=us-ascii''b",
        '',
        '--a',
        '',
        'x',
        '--a--',
        '',
      ),
    ],
    [
      'a second encoding',
      'encoding',
      'Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\nx',
    ],
    ['an encoding nobody knows', 'encoding', 'Content-Transfer-Encoding: base64,\r\n\r\nx'],
    [
      'an encoded multipart',
      'encoded-container',
      `Content-Transfer-Encoding: base64\r\n${mixed('\r\nx')}`,
    ],
    [
      'names of two extensions',
      'file-name',
      'Content-Type: a/b; name=x.txt\r\nContent-Disposition: attachment; filename=x.exe\r\n\r\n',
    ],
    ['a line that is no field', 'header', 'Subject: x\r\njunk\r\nTo: y\r\n\r\n'],
    ['a bare line end in a header', 'line-ends', 'Subject: x\nContent-Type: text/html\r\n\r\n'],
    ['a bare line end before a delimiter', 'line-ends', mixed('\r\none\n--b\r\n\r\ntwo')],
    ['a bare CR before a delimiter', 'line-ends', mixed('\r\none\r--b\r\n\r\ntwo')],
    ['a multipart without boundary', 'boundary', 'Content-Type: multipart/mixed\r\n\r\n--b\r\n'],
    [
      'an open quote',
      'content-type',
      'Content-Type: multipart/mixed; boundary="b\r\n\r\n--b\r\n\r\nx\r\n--b--',
    ],
  ])('%s is noted', (_, kind, text) => {
    expect(kindsOf(text)[0]).toBe(kind)
  })

  test('each choice is a reading of its own', () => {
    const two = lines(
      'Content-Type: multipart/mixed; boundary=a; boundary=b',
      '',
      '--a',
      '',
      'x',
      '--b',
      '',
      'y',
      '--b--',
    )
    expect(outline(two)).toEqual([
      '0 multipart/mixed',
      '1 text/plain "x\\r\\n--b\\r\\n\\r\\ny\\r\\n--b--"',
    ])
    expect(outline(two, { fields: 'last' })).toEqual(['0 multipart/mixed', '1 text/plain "y"'])
    const bare = mixed('\r\none\n--b\r\n\r\ntwo')
    expect(outline(bare)).toHaveLength(2)
    expect(outline(bare, { lines: 'any' })).toEqual([
      '0 multipart/mixed',
      '1 text/plain "one"',
      '1 text/plain "two"',
    ])
    const junk = lines('Subject: x', 'junk', 'Content-Type: text/html', '', 'y')
    expect(outline(junk)).toEqual(['0 text/html "y"'])
    expect(outline(junk, { junk: 'ends-header' })[0]).toMatch(/^0 text\/plain "junk/)
  })

  test('an ordinary message leaves no doubt', () => {
    const text = lines(
      'From alice Sat Nov 21 00:00:00 2026',
      'Content-Type: multipart/mixed; charset=utf-8; boundary="=_a b:c?"',
      'Content-Transfer-Encoding: 8bit (as it is)',
      '',
      '--=_a b:c?',
      'Content-Type: application/pdf; name=my report.pdf',
      'Content-Transfer-Encoding: BASE64',
      "Content-Disposition: attachment; filename*=utf-8''my%20report.pdf",
      '',
      'AAAA',
      '--=_a b:c?--',
    )
    expect(kindsOf(text)).toEqual([])
    expect(scan(text).parts[1]).toMatchObject({
      fileNames: ['my report.pdf', 'my'],
      encodings: ['base64'],
    })
  })
})

describe('a message that has too much', () => {
  const limitOf = (text: string): ScanResult['limit'] => scan(text).limit

  test('of parts is read up to the limit', () => {
    const result = scan(mixed(`\r\nx${'\r\n--b\r\n\r\nx'.repeat(100_000)}`))
    expect(result).toMatchObject({ limit: { limit: 'parts' }, parts: { length: 2000 } })
  })

  test('of levels likewise, whether multiparts or messages', () => {
    const level = (_: unknown, n: number): string =>
      `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`
    const multiparts = Array.from({ length: 10_000 }, level).join('')
    const messages = 'Content-Type: message/rfc822\r\n\r\n'.repeat(10_000)
    for (const text of [multiparts, messages]) {
      const result = scan(text)
      expect(result.limit).toMatchObject({ limit: 'depth' })
      expect(result.parts).toHaveLength(mimeLimits.depth + 1)
    }
  })

  test('of header likewise, however it is divided', () => {
    expect(limitOf(`X: ${'a'.repeat(1_048_576)}\r\n\r\nx`)).toEqual({ limit: 'header', offset: 0 })
    expect(limitOf(`${'X: a\r\n'.repeat(200_000)}\r\nx`)?.limit).toBe('header')
    expect(limitOf(`X: a${'\r\n b'.repeat(200_000)}\r\n\r\nx`)?.limit).toBe('header')
    const big = `X: ${'a'.repeat(200_000)}\r\n\r\n`
    expect(limitOf(mixed(...Array.from({ length: 20 }, () => big)))?.limit).toBe('header')
  })

  test('of lines like delimiters likewise', () => {
    const text = mixed(`\r\n${'--bx\r\n'.repeat(1_000_001)}`)
    expect(limitOf(text)?.limit).toBe('delimiters')
  })
})

describe('any message', () => {
  const piece = fc.constantFrom(
    '\r\n',
    '\n',
    '\r',
    '--b',
    '--b--',
    '--bb',
    '--',
    '-',
    ' ',
    'x',
    ':',
    'X: y\r\n',
    '\r\n\r\n',
    '\r\n--b\r\n',
    '\r\n--b--\r\n',
    'Content-Type: multipart/mixed; boundary=b\r\n',
    'Content-Type: multipart/mixed; boundary=bb\r\n',
    'Content-Type: message/rfc822\r\n',
    'Content-Transfer-Encoding: base64\r\n',
    'é',
    '\0',
    'From ',
  )
  const messages = fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join('')))
  const choices = fc.record<MimeChoices>({
    fields: fc.constantFrom('first', 'last'),
    lines: fc.constantFrom('crlf', 'any'),
    delimiters: fc.constantFrom('exact', 'prefix'),
    junk: fc.constantFrom('skipped', 'ends-header'),
  })
  const small = { parts: 6, depth: 3, headerBytes: 60, allHeaderBytes: 100, delimiters: 8 }
  const plain = (result: ScanResult): unknown => JSON.parse(JSON.stringify({ ...result, steps: 0 }))

  test('has the same parts in whatever chunks it comes', () => {
    fc.assert(
      fc.property(
        messages,
        choices,
        fc.constantFrom(mimeLimits, small),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (bytes, choice, limits, sizes) => {
          const scanner = new MimeScanner(choice, limits)
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1
            scanner.push(bytes.subarray(at, at + size))
            at += size
          }
          expect(plain(scanner.end())).toEqual(plain(scan(bytes, choice, limits)))
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('has parts within its bounds, each within its parent', () => {
    fc.assert(
      fc.property(messages, choices, (bytes, choice) => {
        const { parts } = scan(bytes, choice)
        expect(parts.length).toBeGreaterThan(0)
        for (const { index, parent, headerRange, bodyRange } of parts) {
          expect(parts[index]?.index).toBe(index)
          const outer = parent < 0 ? { offset: 0, length: bytes.length } : parts[parent]?.bodyRange
          expect(parent).toBeLessThan(index)
          expect(headerRange.offset).toBeGreaterThanOrEqual(outer?.offset ?? NaN)
          expect(headerRange.offset + headerRange.length).toBe(bodyRange.offset)
          expect(bodyRange.length).toBeGreaterThanOrEqual(0)
          expect(bodyRange.offset + bodyRange.length).toBeLessThanOrEqual(bytes.length)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('of ten times the size takes at most twelve times the steps', () => {
    const unit = mixed(
      '\r\none\r\n--bx\r\n-- \r\n',
      'Content-Type: text/html; name=x\r\nX: y\r\n z\r\n\r\ntwo',
    )
    const steps = (times: number): number =>
      scan(mixed(...Array.from({ length: times }, () => unit))).steps
    expect(steps(400)).toBeLessThanOrEqual(12 * steps(40))
  })
})
