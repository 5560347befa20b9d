import { isAscii } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildDsn, type DsnFacts } from './dsn.ts'
import { headerEnd, parseHeader } from './header.ts'
import { QuotedPrintableDecoder } from './mime/quoted-printable.ts'
import { sevenBitDsn } from './seven-bit-dsn.ts'

const envelope = {
  reversePath: { localPart: 'ann', domain: 'here.test' },
  recipients: [],
  bodyType: '8bitmime',
  smtputf8: false,
  requireTls: false,
} as const
const facts: DsnFacts = {
  id: 'q1',
  at: 0,
  hostname: 'mx.test',
  from: { localPart: 'MAILER-DAEMON', domain: 'mx.test' },
  to: { localPart: 'ann', domain: 'here.test' },
  envelope,
  recipients: [
    {
      recipient: { mailbox: { localPart: 'joe', domain: 'there.test' } },
      result: { outcome: 'failed', status: '5.1.1', text: 'No such mailbox' },
    },
  ],
  original: { header: Buffer.from('Subject: Hi\r\n\r\n'), body: [Buffer.from('Grüße\r\n')] },
}
const utf8Facts: DsnFacts = {
  ...facts,
  envelope: { ...envelope, smtputf8: true },
  recipients: [
    {
      recipient: { mailbox: { localPart: 'jösé', domain: 'there.test' } },
      result: { outcome: 'failed', status: '5.1.1', text: 'No such mailbox' },
    },
  ],
}

/** Its header, and of each part its type and what its encoding stands for. */
function read(bytes: Uint8Array) {
  const whole = Buffer.from(bytes)
  expect(isAscii(whole)).toBe(true)
  const header = parseHeader(whole)
  const boundary = /boundary="([^"]+)"/.exec(header.first('content-type') ?? '')?.[1] ?? ''
  const text = whole.toString('latin1', headerEnd(whole))
  const [body = '', end] = text.split(`\r\n--${boundary}--\r\n`)
  expect(end).toBe('')
  const [preamble = '', ...parts] = body.split(`\r\n--${boundary}\r\n`)
  return {
    header,
    preamble,
    parts: parts.map((part) => {
      const at = headerEnd(Buffer.from(part))
      const own = parseHeader(Buffer.from(part))
      const content = Buffer.from(part.slice(at))
      if (own.first('content-transfer-encoding') !== 'quoted-printable') {
        return [own.first('content-type'), content.toString()]
      }
      const decoder = new QuotedPrintableDecoder()
      const decoded = Buffer.concat([decoder.push(content), decoder.end()])
      return [own.first('content-type'), decoded.toString()]
    }),
  }
}

const sevenBit = (of: DsnFacts) => {
  const bytes = sevenBitDsn(buildDsn(of).bytes)
  return bytes === undefined ? undefined : read(bytes)
}

describe('in ASCII alone a notification', () => {
  test('returns the header of a message whose body is not ASCII', () => {
    const { header, preamble, parts } = sevenBit(facts) ?? {}
    expect(header?.all('content-transfer-encoding')).toEqual(['7bit'])
    expect(header?.first('content-type')).toContain('report-type=delivery-status')
    expect(preamble).toContain('<joe@there.test>:')
    expect(parts?.map(([type]) => type)).toEqual([
      'text/plain; charset=us-ascii',
      'message/delivery-status',
      'text/rfc822-headers',
    ])
    expect(parts?.[2]?.[1]).toBe('Subject: Hi\r\n\r\n')
  })

  test('in the form of qmail has question marks, and returns no body that is not ASCII', () => {
    const header = Buffer.from('Subject: Blåbær\r\n\r\n')
    const edition = (original: DsnFacts['original']) =>
      Buffer.from(sevenBitDsn(buildDsn({ ...facts, original }, 'qsbmf').bytes) ?? []).toString()
    expect(edition({ header, body: [Buffer.from('Gruss\r\n')] })).toMatch(
      /^Date: .*\r\nSubject: failure notice\r\n\r\nHi\. This is .*<joe@there\.test>:.*\r\n--- Below .*\r\n\r\nReturn-Path: <ann@here\.test>\r\nSubject: Bl\?b\?r\r\n\r\nGruss\r\n$/s,
    )
    expect(edition(facts.original)).toMatch(/Subject: Hi\r\n\r\n--- End of message stripped\.\r\n$/)
  })

  test('returns a header that is not ASCII encoded', () => {
    const header = Buffer.from('Subject: Blåbær\r\n\r\n')
    expect(sevenBit({ ...facts, original: { header } })?.parts[2]).toEqual([
      'text/rfc822-headers',
      'Subject: Blåbær\r\n\r\n',
    ])
  })

  test('keeps all that internationalised mail may encode', () => {
    const { parts } = sevenBit(utf8Facts) ?? {}
    expect(parts?.map(([type]) => type)).toEqual([
      'text/plain; charset=utf-8',
      'message/global-delivery-status',
      'message/global',
    ])
    expect(parts?.[0]?.[1]).toContain('<jösé@there.test>:')
    expect(parts?.[1]?.[1]).toContain('Final-Recipient: utf-8;jösé@there.test')
    expect(parts?.[2]?.[1]).toBe('Subject: Hi\r\n\r\nGrüße\r\n')
  })

  test('has no signature of what it was', () => {
    const { bytes } = buildDsn(facts)
    const signed = Buffer.concat([Buffer.from('DKIM-Signature: v=1;\r\n b=AA\r\n'), bytes])
    expect(read(sevenBitDsn(signed) ?? Buffer.alloc(0)).header.fields[0]?.name).toBe('Date')
  })

  test('is none where it is ASCII already, or its own address is not', () => {
    const ascii = { header: Buffer.from('Subject: Hi\r\n\r\n') }
    expect(sevenBit({ ...facts, original: ascii })).toBeUndefined()
    expect(sevenBit({ ...facts, to: { localPart: 'jösé', domain: 'a.test' } })).toBeUndefined()
  })

  test('is made of whatever message, and of nothing else', () => {
    const text = fc.array(fc.constantFrom('a', 'é', '\r\n', '\r', '\n', '--=_q1', ' ', '='))
    fc.assert(
      fc.property(text, text, fc.boolean(), (head, body, utf8) => {
        const header = Buffer.from(`X: ${head.join('').replaceAll('\r\n', '\r\n ')}\r\n\r\n`)
        const original = { header, body: [Buffer.from(body.join(''))] }
        const dsn = buildDsn({ ...(utf8 ? utf8Facts : facts), original })
        const bytes = sevenBitDsn(dsn.bytes)
        expect(bytes === undefined).toBe(isAscii(dsn.bytes))
        if (bytes === undefined) return
        const { parts } = read(bytes)
        expect(parts).toHaveLength(3)
        const whole = Buffer.concat([header, ...original.body])
        const returned = utf8 || isAscii(whole) ? whole : header
        expect(parts[2]?.[1]).toBe(returned.toString())
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (any) => {
        expect(sevenBitDsn(Buffer.from(any))).toBeUndefined()
        const dsn = buildDsn(facts).bytes
        expect(sevenBitDsn(dsn.subarray(0, dsn.length - 1 - (any.length % dsn.length)))).toBe(
          undefined,
        )
      }),
    )
  })
})
