import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatMailbox,
  formatPath,
  mailboxKey,
  parseMailbox,
  parsePath,
  sameMailbox,
  type AddressOptions,
  type Mailbox,
} from './address.ts'

const read = (text: string, options?: AddressOptions): string => {
  const path = parsePath(text, options)
  return path.ok ? `${formatPath(path.mailbox)}|${path.rest}` : path.problem
}

describe('a path', () => {
  test.each([
    ['<>', '<>|'],
    ['<> SIZE=1', '<>| SIZE=1'],
    ['<ann@example.org>', '<ann@example.org>|'],
    ['<ann@example.org> BODY=8BITMIME', '<ann@example.org>| BODY=8BITMIME'],
    ['<ann@example.org>junk', '<ann@example.org>|junk'],
    ["<a!#$%&'*+-/=?^_`{|}~z@Example.ORG>", "<a!#$%&'*+-/=?^_`{|}~z@Example.ORG>|"],
    ['<ann@host_1.example>', '<ann@host_1.example>|'],
    ['<ann@[192.0.2.1]>', '<ann@[192.0.2.1]>|'],
    ['<ann@[IPv6:2001:db8::1]>', '<ann@[IPv6:2001:db8::1]>|'],
    ['<"ann lee"@example.org>', '<"ann lee"@example.org>|'],
    ['<"ann>lee"@example.org>', '<"ann>lee"@example.org>|'],
    ['<"a\\"\\\\b"@example.org>', '<"a\\"\\\\b"@example.org>|'],
    ['<"ann"@example.org>', '<ann@example.org>|'],
    ['<"\\a\\nn"@example.org>', '<ann@example.org>|'],
    ['<""@example.org>', '<""@example.org>|'],
    ['<"a..b"@example.org>', '<"a..b"@example.org>|'],
  ])('%s is read', (text, expected) => {
    expect(read(text)).toBe(expected)
  })

  test.each([
    ['', 'The path does not begin with <'],
    ['ann@example.org', 'The path does not begin with <'],
    [' <ann@example.org>', 'The path does not begin with <'],
    ['<', 'The local-part is missing'],
    ['<ann', 'The address is cut short'],
    ['<ann@', 'The domain has an empty label'],
    ['<ann@example.org', 'The address is cut short'],
    ['<@example.org>', 'The source route is malformed'],
    ['<.ann@example.org>', 'The local-part is missing'],
    ['<ann.@example.org>', 'The local-part has a dot too many'],
    ['<a..n@example.org>', 'The local-part has a dot too many'],
    ['<ann @example.org>', 'The address holds a character it may not hold there'],
    ['<ann@exam ple.org>', 'The address holds a character it may not hold there'],
    ['<ann@example.org.>', 'The domain has an empty label'],
    ['<ann@-example.org>', 'The domain has a label with a hyphen at its edge'],
    ['<ann@example-.org>', 'The domain has a label with a hyphen at its edge'],
    [`<ann@${'a'.repeat(64)}.org>`, 'The domain has a label that is too long'],
    ['<ann@[192.0.2.256]>', 'The address literal is malformed'],
    ['<ann@[192.0.2.1>', 'The address literal is malformed'],
    ['<"ann@example.org>', 'The address is cut short'],
    ['<"ann"lee@example.org>', 'The address holds a character it may not hold there'],
    ['<"ann\r\n"@example.org>', 'The address holds a character it may not hold there'],
    ['<"ann\\\r"@example.org>', 'The address holds a character it may not hold there'],
    ['<ann\0@example.org>', 'The address holds a character it may not hold there'],
    ['<bjørn@example.org>', 'Characters outside ASCII need SMTPUTF8'],
    ['<ann@blåbær.example>', 'Characters outside ASCII need SMTPUTF8'],
    ['<"bjørn"@example.org>', 'Characters outside ASCII need SMTPUTF8'],
  ])('%j is refused', (text, problem) => {
    expect(read(text)).toBe(problem)
  })

  test('loses its source route', () => {
    expect(read('<@one.example:ann@example.org>')).toBe('<ann@example.org>|')
    expect(read('<@one.example,@two.example:ann@example.org> X')).toBe('<ann@example.org>| X')
    expect(read('<@one.example,two.example:ann@example.org>')).toBe('The source route is malformed')
    expect(read('<@one.example,:ann@example.org>')).toBe('The source route is malformed')
    expect(read('<@one..example:ann@example.org>')).toBe('The domain has an empty label')
  })

  test('keeps to the sizes of RFC 5321', () => {
    const label = 'd'.repeat(61)
    const domain = (size: number): string => `${label}.${label}.${label}.`.padEnd(size, 'd')
    expect(read(`<${'l'.repeat(244)}@d.example>`)).toContain('@d.example>')
    expect(read(`<${'l'.repeat(245)}@d.example>`)).toBe('The path is too long')
    expect(read(`<"${'l'.repeat(243)}"@d.example>`)).toBe('The path is too long')
    expect(read(`<${'l'.repeat(12)}@${domain(241)}>`)).toContain('>|')
    expect(read(`<${'l'.repeat(13)}@${domain(241)}>`)).toBe('The path is too long')
    expect(read(`<l@${'d.'.repeat(127)}dd>`)).toBe('The domain is too long')
  })

  test('names the bare postmaster only where that is asked for', () => {
    const bare = { barePostmaster: true }
    expect(parsePath('<PostMaster> NOTIFY=NEVER', bare)).toEqual({
      ok: true,
      mailbox: { localPart: 'PostMaster', domain: '' },
      rest: ' NOTIFY=NEVER',
    })
    expect(read('<postmaster>')).toBe('The domain is missing')
    expect(read('<webmaster>', bare)).toBe('The domain is missing')
    expect(read('<postmaster', bare)).toBe('The address is cut short')
    expect(formatPath({ localPart: 'postmaster', domain: '' })).toBe('<postmaster>')
  })
})

describe('under SMTPUTF8', () => {
  test.each([
    '<bjørn@example.org>',
    '<ann@blåbær.example>',
    '<"bjørn 用户"@例子.example>',
    '<😀@example.org>',
  ])('%s is read as it is spelled', (text) => {
    expect(read(text, { smtputf8: true })).toBe(`${text}|`)
  })

  test.each([
    ['half a surrogate pair', '<a\ud800@example.org>'],
    ['a quoted half of a surrogate pair', '<"a\udc00"@example.org>'],
    ['a control character', '<a\u0085@example.org>'],
    ['bytes that were no UTF-8', '<a\ufffd@example.org>'],
    ['an ASCII control character', '<a\u0007b@example.org>'],
    ['a domain that IDNA does not know', '<ann@ex\u202eample.org>'],
    ['a domain that turns into an address', '<ann@１９２.０.２.１>'],
    ['a path of 257 octets in 135 characters', `<${'ø'.repeat(122)}@example.org>`],
    ['a quoted pair outside ASCII', '<"\\ø"@example.org>'],
  ])('%s is refused', (_, text) => {
    expect(parsePath(text, { smtputf8: true }).ok).toBe(false)
  })
})

describe('a mailbox', () => {
  test('fills the whole text', () => {
    expect(parseMailbox('ann@example.org')).toEqual({ localPart: 'ann', domain: 'example.org' })
  })

  test.each([
    '',
    'ann',
    'ann@example.org ',
    '<ann@example.org>',
    'a@b@c',
    'ann@example.org\n',
    `${'l'.repeat(60)}@${'d.'.repeat(97)}d`,
  ])('is not %j', (text) => {
    expect(parseMailbox(text)).toBeUndefined()
  })

  test('is the same whatever the case of its domain, not of its local-part', () => {
    const ann = { localPart: 'Ann', domain: 'Example.ORG' }
    expect(sameMailbox(ann, { localPart: 'Ann', domain: 'example.org' })).toBe(true)
    expect(sameMailbox(ann, { localPart: 'ann', domain: 'example.org' })).toBe(false)
    expect(sameMailbox(ann, { localPart: 'Ann', domain: 'example.net' })).toBe(false)
  })

  test('is known to tables in lower case and without quotes', () => {
    expect(mailboxKey({ localPart: 'Ann Lee', domain: 'Example.ORG' })).toBe('ann lee@example.org')
    expect(mailboxKey({ localPart: 'Postmaster', domain: '' })).toBe('postmaster')
  })
})

describe('any text', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '@',
    '"',
    '\\',
    '.',
    ',',
    ':',
    '[',
    ']',
    'a',
    'B',
    '9',
    ' ',
    '-',
    '_',
    '\r',
    '\n',
    '\0',
    'ø',
    '\ud800',
    'IPv6:',
    '::',
  )
  const hostile = fc.array(piece, { maxLength: 40 }).map((pieces) => `<${pieces.join('')}`)
  const options = fc.record({ smtputf8: fc.boolean(), barePostmaster: fc.boolean() })

  test('is read or refused, and what is read can be written and read again', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          hostile,
          fc.string().map((text) => `<${text}>`),
        ),
        options,
        (text, how) => {
          const path = parsePath(text, how)
          if (!path.ok) return
          expect(text.endsWith(path.rest)).toBe(true)
          expect(parsePath(`${formatPath(path.mailbox)}${path.rest}`, how)).toEqual(path)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('never lets a line end or a NUL into a mailbox', () => {
    fc.assert(
      fc.property(hostile, options, (text, how) => {
        const path = parsePath(text, how)
        expect(path.ok && /\p{Cc}|\p{Cs}/u.test(formatPath(path.mailbox))).toBe(false)
      }),
      { numRuns: 2000 },
    )
  })

  test('without SMTPUTF8 gives ASCII only', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const path = parsePath(text)
        expect(path.ok && /\P{ASCII}/u.test(formatPath(path.mailbox))).toBe(false)
      }),
    )
  })
})

describe('any mailbox', () => {
  const printable = fc.string({ unit: 'grapheme-ascii', maxLength: 30 })
  const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?$/)
  const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
  const mailboxes: fc.Arbitrary<Mailbox> = fc.record({ localPart: printable, domain })

  test('is written so that it reads back as itself', () => {
    fc.assert(
      fc.property(mailboxes, (mailbox) => {
        expect(parseMailbox(formatMailbox(mailbox))).toEqual(mailbox)
        expect(parsePath(formatPath(mailbox))).toEqual({ ok: true, mailbox, rest: '' })
      }),
    )
  })
})
