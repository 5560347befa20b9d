import { describe, expect, test } from 'vitest'
import type { Mailbox } from './address.ts'
import { buildDsn, returnsBody, type Dsn, type DsnFacts, type DsnRecipient } from './dsn.ts'
import type { Envelope } from './envelope.ts'
import { headerEnd, parseHeader, type Header } from './header.ts'

const at = (localPart: string, domain = 'example.org'): Mailbox => ({ localPart, domain })
const now = Date.UTC(2026, 10, 21, 8, 10, 12)
const envelope: Envelope = {
  reversePath: at('sender', 'example.com'),
  recipients: [],
  bodyType: '7bit',
  smtputf8: false,
  requireTls: false,
}
const failed: DsnRecipient = {
  recipient: { mailbox: at('joe') },
  result: { outcome: 'failed', status: '5.1.1', text: 'No such mailbox' },
}
const deferred: DsnRecipient = {
  recipient: { mailbox: at('slow') },
  result: { outcome: 'deferred', status: '4.4.1', text: 'No answer' },
  retryUntil: now + 86_400_000,
}
const delivered: DsnRecipient = {
  recipient: { mailbox: at('good') },
  result: { outcome: 'delivered', status: '2.0.0', text: 'fine' },
}
const facts: DsnFacts = {
  id: 'q1',
  at: now,
  hostname: 'mx.example.org',
  from: at('MAILER-DAEMON', 'mx.example.org'),
  to: at('sender', 'example.com'),
  envelope,
  recipients: [failed],
  original: {
    header: Buffer.from('Received: x\r\nSubject: Hi\r\n\r\n'),
    body: [Buffer.from('Hello\r\n'), Buffer.from('-- \r\nAnn')],
  },
}

interface Part {
  readonly header: Header
  readonly content: string
}

function split(bytes: Uint8Array): Part {
  const buffer = Buffer.from(bytes)
  return { header: parseHeader(buffer), content: buffer.toString('latin1', headerEnd(buffer)) }
}

/** The notification as a MIME reader sees it. */
function read({ bytes }: Dsn): { header: Header; preamble: string; parts: readonly Part[] } {
  const { header, content } = split(bytes)
  const boundary = /boundary="([^"]+)"/.exec(header.first('content-type') ?? '')?.[1] ?? ''
  const [body, epilogue] = content.split(`\r\n--${boundary}--\r\n`)
  expect(epilogue).toBe('')
  const [preamble, ...parts] = (body ?? '').split(`\r\n--${boundary}\r\n`)
  return {
    header,
    preamble: preamble ?? '',
    parts: parts.map((part) => split(Buffer.from(part, 'latin1'))),
  }
}

/** The recipients that a QSBMF parser finds, with what it is told of each. */
function readQsbmf({ bytes }: Dsn): ReadonlyMap<string, string> | undefined {
  const [first = '', ...paragraphs] = split(bytes).content.split('\r\n\r\n')
  if (!first.startsWith('Hi. This is the')) return undefined
  const end = paragraphs.findIndex((paragraph) => paragraph.startsWith('-'))
  const found = new Map<string, string>()
  for (const paragraph of paragraphs.slice(0, end)) {
    const [, address, text] = /^<(.*?)>:\r\n(.*)$/s.exec(paragraph) ?? []
    if (address !== undefined && text !== undefined) found.set(address, text)
  }
  return found
}

/** The groups of the part for programs. */
const groups = (dsn: Dsn): readonly Header[] =>
  (read(dsn).parts[1]?.content ?? '')
    .split('\r\n\r\n')
    .map((group) => parseHeader(Buffer.from(group, 'latin1')))

const valuesOf = (header: Header | undefined): readonly string[] =>
  header?.fields.map(({ name, value }) => `${name}: ${value}`) ?? []

describe('a failure notice', () => {
  test('is addressed, dated, and answers to no autoresponder', () => {
    expect(valuesOf(read(buildDsn(facts)).header)).toEqual([
      'Date: Sat, 21 Nov 2026 08:10:12 +0000',
      'From: Mail Delivery System <MAILER-DAEMON@mx.example.org>',
      'To: sender@example.com',
      'Subject: failure notice',
      'Message-ID: <q1@mx.example.org>',
      'Auto-Submitted: auto-replied',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=delivery-status; boundary="=_q1"',
      'Content-Transfer-Encoding: 7bit',
    ])
  })

  test('has a part for people, one for programs, and the message byte for byte', () => {
    const { parts } = read(buildDsn(facts))
    expect(parts.map(({ header }) => header.first('content-type'))).toEqual([
      'text/plain; charset=us-ascii',
      'message/delivery-status',
      'message/rfc822',
    ])
    expect(parts[2]?.content).toBe('Received: x\r\nSubject: Hi\r\n\r\nHello\r\n-- \r\nAnn')
  })

  test('says what failed in the words of qmail, before the MIME parts and in the first of them', () => {
    const { preamble, parts } = read(buildDsn(facts))
    expect(preamble).toBe(
      'Hi. This is the postern program at mx.example.org.\r\n' +
        "I'm afraid I wasn't able to deliver your message to the following addresses.\r\n" +
        "This is a permanent error; I've given up. Sorry it didn't work out.\r\n" +
        '\r\n<joe@example.org>:\r\nNo such mailbox (#5.1.1)\r\n',
    )
    expect(parts[0]?.content).toBe(preamble)
  })

  test('says all it knows to programs', () => {
    const dsn = buildDsn({
      ...facts,
      arrivedAt: now - 60_000,
      envelope: { ...envelope, envelopeId: 'QQ314159' },
      recipients: [
        {
          recipient: { mailbox: at('a b'), originalRecipient: 'rfc822;Joe@Example.ORG' },
          result: {
            outcome: 'failed',
            status: '5.7.1',
            remote: 'mx.example.net',
            text: '550-5.7.1 Go\r\n550 5.7.1 away',
          },
          lastAttemptAt: now,
        },
        deferred,
        { ...delivered, action: 'relayed' },
      ],
    })
    expect(groups(dsn).map(valuesOf)).toEqual([
      [
        'Original-Envelope-Id: QQ314159',
        'Reporting-MTA: dns; mx.example.org',
        'Arrival-Date: Sat, 21 Nov 2026 08:09:12 +0000',
      ],
      [
        'Original-Recipient: rfc822;Joe@Example.ORG',
        'Final-Recipient: rfc822;"a b"@example.org',
        'Action: failed',
        'Status: 5.7.1',
        'Remote-MTA: dns; mx.example.net',
        'Diagnostic-Code: smtp; 550-5.7.1 Go 550 5.7.1 away',
        'Last-Attempt-Date: Sat, 21 Nov 2026 08:10:12 +0000',
      ],
      [
        'Final-Recipient: rfc822;slow@example.org',
        'Action: delayed',
        'Status: 4.4.1',
        'Diagnostic-Code: x-postern; No answer',
        'Will-Retry-Until: Sun, 22 Nov 2026 08:10:12 +0000',
      ],
      ['Final-Recipient: rfc822;good@example.org', 'Action: relayed', 'Status: 2.0.0'],
    ])
  })

  test('tells a QSBMF parser of the recipients that failed, and of no other', () => {
    const remote: DsnRecipient = {
      recipient: { mailbox: at('bob') },
      result: {
        outcome: 'failed',
        status: '5.2.2',
        remote: 'mx.example.net',
        text: '552 5.2.2 Full\r\n\r\n- of what?\r\n',
      },
    }
    expect(
      readQsbmf(buildDsn({ ...facts, recipients: [deferred, failed, delivered, remote] })),
    ).toEqual(
      new Map([
        ['joe@example.org', 'No such mailbox (#5.1.1)'],
        ['bob@example.org', 'mx.example.net said:\r\n552 5.2.2 Full\r\n- of what?'],
      ]),
    )
  })

  test('of a bounce says that the bounce bounced', () => {
    const { preamble } = read(buildDsn({ ...facts, envelope: { ...envelope, reversePath: null } }))
    expect(preamble).toContain(
      'I tried to deliver a bounce message to this address, but the bounce bounced!',
    )
  })
})

describe('a notice without a failure', () => {
  test.each([
    [
      'delay notice',
      deferred,
      "slow@example.org:\r\nNo answer\r\nI'll give up on Sun, 22 Nov 2026 08:10:12 +0000.",
    ],
    ['delivery notice', delivered, 'good@example.org: delivered'],
    [
      'delivery notice',
      { ...delivered, action: 'expanded' as const },
      'good@example.org: expanded',
    ],
  ])('is called a %s and is no bounce to a QSBMF parser', (subject, recipient, words) => {
    const dsn = buildDsn({ ...facts, recipients: [recipient] })
    expect(read(dsn).header.first('subject')).toBe(subject)
    expect(read(dsn).parts[0]?.content).toContain(words)
    expect(readQsbmf(dsn)).toBeUndefined()
  })
})

describe('what a peer said', () => {
  const hostile = (text: string): Dsn =>
    buildDsn({
      ...facts,
      envelope: { ...envelope, envelopeId: 'x\r\nAction: delivered' },
      recipients: [
        {
          ...failed,
          recipient: { mailbox: at('joe'), originalRecipient: 'rfc822;j\r\nStatus: 2.0.0' },
          result: { outcome: 'failed', status: '5.0.0', text, remote: 'mx\r\nX: y' },
        },
      ],
    })

  test('cannot add a field, a paragraph or a part', () => {
    const dsn = hostile('550 no\r\n\r\n<other@example.org>:\r\ngone\r\n--=_q1--\r\n\0\u001b[0mø')
    expect(read(dsn).parts).toHaveLength(3)
    expect(groups(dsn).map(({ fields }) => fields.length)).toEqual([2, 6])
    expect([...(readQsbmf(dsn)?.keys() ?? [])]).toEqual(['joe@example.org'])
    expect(Buffer.from(dsn.bytes).toString('latin1')).toMatch(/^[\r\n\x20-\x7e]*$/)
  })

  test('is cut to what a person would read', () => {
    expect(hostile('550 no\r\n'.repeat(100_000)).bytes.length).toBeLessThan(4_000)
    const lines = Buffer.from(hostile('x'.repeat(1_000_000)).bytes)
      .toString('latin1')
      .split('\r\n')
    expect(lines.every((line) => line.length <= 998)).toBe(true)
  })
})

describe('the boundary', () => {
  test('is never a line of the message, which may have guessed it', () => {
    const body = [
      Buffer.from('--=_'),
      Buffer.from('q1\r\nContent-Type: text/plain\r\n\r\nForged\r\n--=_q1--\r\n'),
    ]
    const { parts } = read(buildDsn({ ...facts, original: { ...facts.original, body } }))
    expect(parts).toHaveLength(3)
    expect(parts[2]?.content).toContain('--=_q1\r\nContent-Type: text/plain\r\n\r\nForged')
  })

  test('and the Message-ID are safe whatever the id', () => {
    const { header, parts } = read(buildDsn({ ...facts, id: 'a"b\r\n c>'.padEnd(200, 'x') }))
    expect(header.first('message-id')).toMatch(/^<[\w.-]{60}@mx\.example\.org>$/)
    expect(parts).toHaveLength(3)
  })
})

describe('the message that is returned', () => {
  const size = { sizeBytes: 100, maxBytes: 100 }

  test('is whole where something failed', () => {
    expect(returnsBody(facts, size)).toBe(true)
    expect(returnsBody({ envelope, recipients: [deferred] }, size)).toBe(false)
    expect(returnsBody({ envelope, recipients: [delivered, failed] }, size)).toBe(true)
  })

  test('is the header only where RET says so, or the message is too large or binary, or required TLS', () => {
    const sealed = { ...envelope, requireTls: true, returnContent: 'full' } as const
    expect(returnsBody({ ...facts, envelope: sealed }, size)).toBe(false)
    expect(returnsBody(facts, { ...size, maxBytes: 99 })).toBe(false)
    expect(
      returnsBody({ ...facts, envelope: { ...envelope, returnContent: 'headers' } }, size),
    ).toBe(false)
    expect(returnsBody({ ...facts, envelope: { ...envelope, returnContent: 'full' } }, size)).toBe(
      true,
    )
    expect(returnsBody({ ...facts, envelope: { ...envelope, bodyType: 'binarymime' } }, size)).toBe(
      false,
    )
    const { parts } = read(buildDsn({ ...facts, original: { header: facts.original.header } }))
    expect(parts[2]?.header.first('content-type')).toBe('text/rfc822-headers')
    expect(parts[2]?.content).toBe('Received: x\r\nSubject: Hi\r\n\r\n')
  })

  test('makes the notice 8bit where it is', () => {
    const body = [Buffer.from([0x48, 0xe9, 0x0d, 0x0a])]
    const dsn = buildDsn({ ...facts, original: { ...facts.original, body } })
    const { header, parts } = read(dsn)
    expect([dsn.bodyType, dsn.smtputf8]).toEqual(['8bitmime', false])
    expect(header.first('content-transfer-encoding')).toBe('8bit')
    expect(parts.map((part) => part.header.first('content-transfer-encoding'))).toEqual([
      undefined,
      undefined,
      '8bit',
    ])
    expect(parts[2]?.content.endsWith('H\xe9\r\n')).toBe(true)
    expect(buildDsn(facts).bodyType).toBe('7bit')
  })
})

describe('internationalised mail', () => {
  const jose: DsnRecipient = {
    ...failed,
    recipient: { mailbox: at('jösé'), originalRecipient: 'utf-8;jösé@exämple.org' },
  }
  const types = (dsn: Dsn): readonly (string | undefined)[] =>
    read(dsn).parts.map(({ header }) => header.first('content-type'))

  test('is reported on in UTF-8', () => {
    const dsn = buildDsn({
      ...facts,
      envelope: { ...envelope, smtputf8: true },
      recipients: [jose],
    })
    expect([dsn.smtputf8, dsn.bodyType]).toEqual([true, '8bitmime'])
    expect(read(dsn).header.first('content-type')).toContain('report-type=global-delivery-status')
    expect(types(dsn)).toEqual([
      'text/plain; charset=utf-8',
      'message/global-delivery-status',
      'message/global',
    ])
    expect(groups(dsn)[1]?.first('final-recipient')).toBe('utf-8;jösé@example.org')
    expect(groups(dsn)[1]?.first('original-recipient')).toBe('utf-8;jösé@exämple.org')
  })

  test('returns its header as such', () => {
    const header = Buffer.from('Subject: Blåbær\r\n\r\n')
    const utf8 = { ...envelope, smtputf8: true }
    expect(types(buildDsn({ ...facts, envelope: utf8, original: { header } }))[2]).toBe(
      'message/global-headers',
    )
    const latin1 = Buffer.from('Subject: Blåbær\r\n\r\n', 'latin1')
    expect(types(buildDsn({ ...facts, envelope: utf8, original: { header: latin1 } }))[2]).toBe(
      'text/rfc822-headers',
    )
  })

  test('that did not need SMTPUTF8 is reported on without', () => {
    const dsn = buildDsn({ ...facts, envelope: { ...envelope, smtputf8: true } })
    expect([dsn.smtputf8, dsn.bodyType]).toEqual([false, '7bit'])
  })

  test('addresses keep their form of RFC 6533 where the sender knows no SMTPUTF8', () => {
    const dsn = buildDsn({ ...facts, recipients: [jose] })
    expect([dsn.smtputf8, dsn.bodyType]).toEqual([false, '8bitmime'])
    expect(groups(dsn)[1]?.first('final-recipient')).toBe('utf-8;j\\x{F6}s\\x{E9}@example.org')
    expect(types(dsn)).toEqual([
      'text/plain; charset=utf-8',
      'message/delivery-status',
      'message/rfc822',
    ])
  })

  test('a sender whose domain alone is outside ASCII needs none', () => {
    const dsn = buildDsn({ ...facts, to: at('ann', 'münchen.test') })
    expect([dsn.smtputf8, dsn.bodyType]).toEqual([false, '7bit'])
    expect(read(dsn).header.first('to')).toBe('ann@xn--mnchen-3ya.test')
  })

  test('a sender outside ASCII needs SMTPUTF8 whatever the message', () => {
    expect(buildDsn({ ...facts, to: at('jösé') }).smtputf8).toBe(true)
  })
})
