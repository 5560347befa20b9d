import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAuth, parseBdat, parseHello, parseLine, parseMail, parseRcpt } from './command.ts'
import { decodeXtext } from './xtext.ts'

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
const anyLine = fc
  .uint8Array({ maxLength: 600 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'))
const likelyRest = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        'FROM:',
        'TO:',
        '<',
        '>',
        '@',
        'a',
        '.',
        '"',
        '\\',
        ' ',
        'SIZE=',
        '1',
        '=',
        'ü',
        ',',
        ' NOTIFY=',
        'NEVER',
        ' ORCPT=rfc822;',
        ' RET=',
        ' ENVID=',
        '+0A',
        '+',
        ';',
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join('')),
)

const offers = (): boolean => true

const codeOf = (parsed: { ok: true } | { ok: false; reply: { code: number; status?: string } }) =>
  parsed.ok ? 'ok' : `${parsed.reply.code} ${parsed.reply.status}`

describe('a command line', () => {
  test('of any bytes is a command or an error, never a crash', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const parsed = parseLine(line)
        expect(parsed.ok || parsed.reply.code === 500).toBe(true)
      }),
    )
  })

  test('is split into verb and rest without regard to case and blanks around them', () => {
    expect(parseLine('mail  FROM:<a@b.test>  ')).toEqual({
      ok: true,
      value: { verb: 'MAIL', rest: 'FROM:<a@b.test>' },
    })
    expect(parseLine('RSET\t ')).toEqual({ ok: true, value: { verb: 'RSET', rest: '' } })
  })

  test('is read as UTF-8 where it is 8-bit', () => {
    expect(parseLine(latin1('VRFY jürgen'))).toEqual({
      ok: true,
      value: { verb: 'VRFY', rest: 'jürgen' },
    })
  })

  test.each(['NOOP \0', 'NO\x07OP', 'NOOP a\rb', 'NOOP \x7f', 'NOOP \xff', 'NOOP a\tb'])(
    '%j holds what no command has',
    (line) => {
      expect(codeOf(parseLine(line))).toBe('500 5.5.2')
    },
  )
})

describe('MAIL and RCPT', () => {
  test('take qmail’s sender of double bounces for the null reverse-path, and for no recipient', () => {
    expect(parseMail('FROM:<#@[]> SIZE=9', offers)).toEqual({
      ok: true,
      value: { reversePath: null, parameters: { sizeBytes: 9 } },
    })
    expect(codeOf(parseRcpt('TO:<#@[]>', { smtputf8: false, offers }))).toBe('501 5.1.3')
  })

  test('take qmail’s sender of VERP as its base, and as nothing else where it is none', () => {
    const reversePath = { localPart: 'list-', domain: 'here.test' }
    expect(parseMail('FROM:<list-@here.test-@[]> SIZE=9', offers)).toEqual({
      ok: true,
      value: { reversePath, parameters: { sizeBytes: 9, verp: true } },
    })
    expect(codeOf(parseMail('FROM:<list--@[]>', offers))).toBe('501 5.1.7')
    expect(codeOf(parseMail('FROM:<-@[]>', offers))).toBe('501 5.1.7')
    expect(parseMail('FROM:<"a-@[]>b"@here.test>', offers)).toMatchObject({
      value: { reversePath: { localPart: 'a-@[]>b', domain: 'here.test' }, parameters: {} },
    })
    expect(codeOf(parseRcpt('TO:<list-@here.test-@[]>', { smtputf8: false, offers }))).toBe(
      '501 5.1.3',
    )
  })

  test('take any text without a crash, and give an address or a reply', () => {
    fc.assert(
      fc.property(likelyRest, fc.boolean(), (rest, smtputf8) => {
        for (const parsed of [
          parseMail(`FROM:<a@b.test>${rest}`, offers),
          parseRcpt(`TO:<a@b.test>${rest}`, { smtputf8, offers }),
          parseMail(`FROM:${rest}`, offers),
          parseRcpt(`TO:${rest}`, { smtputf8, offers }),
          parseMail(rest, offers),
        ]) {
          expect([250, 501, 553, 555]).toContain(parsed.ok ? 250 : parsed.reply.code)
        }
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['FROM:<>', 'ok'],
    ['from:<a@b.test>', 'ok'],
    ['FROM: <a@b.test>', 'ok'],
    ['FROM:<@relay.test:a@b.test>', 'ok'],
    ['FROM:<a@b.test> SIZE=1000 BODY=8BITMIME SMTPUTF8 AUTH=<>', 'ok'],
    ['FROM:<ü@b.test> SMTPUTF8', 'ok'],
    ['FROM:<ü@b.test>', '553 5.6.7'],
    ['FROM <a@b.test>', '501 5.5.4'],
    ['FROM:a@b.test', '501 5.1.7'],
    ['FROM:<a@b.test', '501 5.1.7'],
    ['FROM:<a b@b.test>', '501 5.1.7'],
    ['FROM:<postmaster>', '501 5.1.7'],
    ['FROM:<a@b.test>SIZE=1', '501 5.5.4'],
    ['FROM:<a@b.test> SIZE', '501 5.5.4'],
    ['FROM:<a@b.test> SIZE=', '501 5.5.4'],
    ['FROM:<a@b.test> SIZE=-1', '501 5.5.4'],
    ['FROM:<a@b.test> BODY=9BIT', '501 5.5.4'],
    ['FROM:<a@b.test> SMTPUTF8=YES', '501 5.5.4'],
    ['FROM:<a@b.test> AUTH=+', '501 5.5.4'],
    ['FROM:<a@b.test> AUTH=nobody', '501 5.5.4'],
    ['FROM:<a@b.test> BODY=7BIT body=7BIT', '501 5.5.4'],
    ['FROM:<a@b.test> =', '501 5.5.4'],
    ['FROM:<a@b.test> X-FANCY=1', '555 5.5.4'],
    ['FROM:<a@b.test> RET=full ENVID=QQ+20314159 REQUIRETLS', 'ok'],
    ['FROM:<a@b.test> RET=HDRS', 'ok'],
    ['FROM:<a@b.test> RET=HDR', '501 5.5.4'],
    ['FROM:<a@b.test> RET', '501 5.5.4'],
    ['FROM:<a@b.test> RET=FULL RET=HDRS', '501 5.5.4'],
    ['FROM:<a@b.test> ENVID=', '501 5.5.4'],
    ['FROM:<a@b.test> ENVID=a+0Ab', '501 5.5.4'],
    ['FROM:<a@b.test> ENVID=a+', '501 5.5.4'],
    ['FROM:<a@b.test> ENVID=a ENVID=a', '501 5.5.4'],
    [`FROM:<a@b.test> ENVID=${'a'.repeat(100)}`, 'ok'],
    [`FROM:<a@b.test> ENVID=${'a'.repeat(101)}`, '501 5.5.4'],
    ['FROM:<a@b.test> REQUIRETLS=YES', '501 5.5.4'],
    ['FROM:<a@b.test> NOTIFY=NEVER', '555 5.5.4'],
  ])('%s is %s', (rest, wanted) => {
    expect(codeOf(parseMail(rest, offers))).toBe(wanted)
  })

  test.each([
    ['TO:<a@b.test>', 'ok'],
    ['TO:<Postmaster>', 'ok'],
    ['TO:<>', '501 5.1.3'],
    ['TO:<a>', '501 5.1.3'],
    ['TO:<a@b.test> NOTIFY=NEVER', 'ok'],
    ['TO:<a@b.test> NOTIFY=success,Failure,DELAY', 'ok'],
    ['TO:<a@b.test> NOTIFY=NEVER,DELAY', '501 5.5.4'],
    ['TO:<a@b.test> NOTIFY=DELAY,DELAY', '501 5.5.4'],
    ['TO:<a@b.test> NOTIFY=SUCCESS,', '501 5.5.4'],
    ['TO:<a@b.test> NOTIFY=', '501 5.5.4'],
    ['TO:<a@b.test> NOTIFY', '501 5.5.4'],
    ['TO:<a@b.test> NOTIFY=NEVER NOTIFY=NEVER', '501 5.5.4'],
    ['TO:<a@b.test> ORCPT=rfc822;a+2Bb@c.test', 'ok'],
    ['TO:<a@b.test> ORCPT=rfc822;a@c.test ORCPT=rfc822;a@c.test', '501 5.5.4'],
    ['TO:<a@b.test> ORCPT=a@c.test', '501 5.5.4'],
    ['TO:<a@b.test> ORCPT=rfc822;', '501 5.5.4'],
    ['TO:<a@b.test> ORCPT=;a@c.test', '501 5.5.4'],
    ['TO:<a@b.test> ORCPT=rfc822;a+0D+0AX-Injected:yes', '501 5.5.4'],
    ['TO:<a@b.test> ORCPT=rfc822;+C3+BC@c.test', '501 5.5.4'],
    ['TO:<a@b.test> ORCPT=utf-8;+C3+BC@c.test', 'ok'],
    ['TO:<a@b.test> ORCPT=utf-8;+C2+85@c.test', '501 5.5.4'],
    [`TO:<a@b.test> ORCPT=rfc822;${'a'.repeat(493)}`, 'ok'],
    [`TO:<a@b.test> ORCPT=rfc822;${'a'.repeat(494)}`, '501 5.5.4'],
    ['TO:<a@b.test> RET=FULL', '555 5.5.4'],
    ['FROM:<a@b.test>', '501 5.5.4'],
  ])('%s is %s', (rest, wanted) => {
    expect(codeOf(parseRcpt(rest, { smtputf8: false, offers }))).toBe(wanted)
  })

  test('give what was said', () => {
    expect(parseMail('FROM:<a@b.test> SIZE=12 BODY=8bitmime AUTH=e+3Dmc2@c.test', offers)).toEqual({
      ok: true,
      value: {
        reversePath: { localPart: 'a', domain: 'b.test' },
        parameters: { sizeBytes: 12, bodyType: '8bitmime', auth: 'e=mc2@c.test' },
      },
    })
  })
})

describe('what DSN adds', () => {
  test('is given decoded', () => {
    expect(parseMail('FROM:<a@b.test> RET=HDRS ENVID=QQ+2B1', offers)).toMatchObject({
      value: { parameters: { returnContent: 'headers', envelopeId: 'QQ+1' } },
    })
    const rcpt = 'TO:<a@b.test> NOTIFY=DELAY,FAILURE ORCPT=rfc822;x+2By@c.test'
    expect(parseRcpt(rcpt, { smtputf8: false, offers })).toMatchObject({
      value: { notify: ['delay', 'failure'], originalRecipient: 'rfc822;x+y@c.test' },
    })
    expect(
      parseRcpt('TO:<a@b.test> ORCPT=utf-8;ü@c.test', { smtputf8: true, offers }),
    ).toMatchObject({ value: { originalRecipient: 'utf-8;ü@c.test' } })
  })

  test('is unknown where DSN is not offered', () => {
    const without = { smtputf8: false, offers: (extension: string) => extension !== 'DSN' }
    for (const parameter of ['RET=FULL', 'ENVID=a']) {
      expect(codeOf(parseMail(`FROM:<> ${parameter}`, without.offers))).toBe('555 5.5.4')
    }
    for (const parameter of ['NOTIFY=NEVER', 'ORCPT=rfc822;a@b.test']) {
      expect(codeOf(parseRcpt(`TO:<a@b.test> ${parameter}`, without))).toBe('555 5.5.4')
    }
  })
})

describe('BDAT', () => {
  test('announces a number of octets, whatever stands behind it', () => {
    fc.assert(
      fc.property(likelyRest, (rest) => {
        const parsed = parseBdat(rest)
        const { sizeBytes } = parsed.ok ? parsed.value : parsed
        expect(sizeBytes).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  test.each([
    ['0', { ok: true, value: { sizeBytes: 0, last: false } }],
    ['86 LAST', { ok: true, value: { sizeBytes: 86, last: true } }],
    ['086  last', { ok: true, value: { sizeBytes: 86, last: true } }],
    ['', { ok: false, sizeBytes: 0 }],
    ['LAST', { ok: false, sizeBytes: 0 }],
    ['-1', { ok: false, sizeBytes: 0 }],
    ['1e3', { ok: false, sizeBytes: 0 }],
    ['12LAST', { ok: false, sizeBytes: 0 }],
    ['12 FIRST', { ok: false, sizeBytes: 12 }],
    ['12 LAST LAST', { ok: false, sizeBytes: 12 }],
  ])('%j is understood, and how many octets follow even where it is wrong', (rest, wanted) => {
    expect(parseBdat(rest)).toMatchObject(wanted)
  })
})

describe('other commands', () => {
  test('HELO takes one word', () => {
    expect(parseHello('client.test', 'HELO')).toEqual({ ok: true, value: 'client.test' })
    expect(parseHello('[IPv6:2001:db8::1]', 'EHLO').ok).toBe(true)
    for (const rest of ['', 'a b', 'ü.test', 'x'.repeat(256)]) {
      expect(codeOf(parseHello(rest, 'HELO'))).toBe('501 5.5.4')
    }
  })

  test('AUTH takes a mechanism and perhaps a response', () => {
    expect(parseAuth('plain')).toEqual({ ok: true, value: { mechanism: 'PLAIN' } })
    expect(parseAuth('PLAIN =')).toEqual({
      ok: true,
      value: { mechanism: 'PLAIN', initialResponse: '=' },
    })
    for (const rest of ['', 'PLAIN a b', 'PL@IN', 'x'.repeat(65), 'PLAIN  x']) {
      expect(codeOf(parseAuth(rest))).toBe('501 5.5.4')
    }
  })

  test('xtext gives back what was put in (RFC 3461 §4)', () => {
    const encode = (text: string): string =>
      [...Buffer.from(text)]
        .map((byte) =>
          byte > 0x20 && byte < 0x7f && byte !== 0x2b && byte !== 0x3d
            ? String.fromCharCode(byte)
            : `+${byte.toString(16).toUpperCase().padStart(2, '0')}`,
        )
        .join('')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
        expect(decodeXtext(encode(text))).toBe(text)
      }),
    )
    for (const text of ['', '+', '+4', '+4g', 'a=b', 'a b', '+FF', 'ü', '+3d']) {
      expect(decodeXtext(text)).toBeUndefined()
    }
  })
})
