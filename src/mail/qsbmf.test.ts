import { describe, expect, test } from 'vitest'
import { noReason } from './delivery-result.ts'
import { buildDsn, type DsnFacts } from './dsn.ts'

const sender = { localPart: 'sender', domain: 'test.example.org' }
const facts: DsnFacts = {
  id: 'q1',
  at: Date.UTC(2026, 10, 1, 8, 26, 36),
  hostname: 'test.example.org',
  from: { localPart: 'MAILER-DAEMON', domain: 'test.example.org' },
  to: sender,
  envelope: {
    reversePath: sender,
    recipients: [],
    bodyType: '7bit',
    smtputf8: false,
    requireTls: false,
  },
  recipients: [
    {
      recipient: { mailbox: { localPart: 'joe-hard', domain: 'test.example.org' } },
      result: { outcome: 'failed', status: '5.0.0', text: 'You are not welcome\n\n(#5.0.0)' },
    },
  ],
  original: { header: Buffer.from('Subject: hi\r\n\r\n'), body: [Buffer.from('hello\r\n')] },
}
const text = (given: DsnFacts): string => Buffer.from(buildDsn(given, 'qsbmf').bytes).toString()

describe('a bounce in the form of qmail', () => {
  test('is what qmail-send writes', () => {
    expect(text(facts).replaceAll('\r\n', '\n')).toBe(`Date: 1 Nov 2026 08:26:36 -0000
From: MAILER-DAEMON@test.example.org
To: sender@test.example.org
Subject: failure notice

Hi. This is the qmail-send program at test.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<joe-hard@test.example.org>:
You are not welcome
/(#5.0.0)

--- Below this line is a copy of the message.

Return-Path: <sender@test.example.org>
Subject: hi

hello
`)
  })

  test('has nothing after the address where a program said nothing', () => {
    const [failed] = facts.recipients
    const result = { outcome: 'failed', status: '5.0.0', text: noReason } as const
    expect(text({ ...facts, recipients: [{ ...failed, result }] })).toContain(
      '<joe-hard@test.example.org>:\r\n\r\n--- Below this line is a copy of the message.',
    )
  })

  test('of a bounce has the words for that', () => {
    const double = text({ ...facts, envelope: { ...facts.envelope, reversePath: null } })
    expect(double).toContain('but the bounce bounced!\r\n\r\n<joe-hard@')
    expect(double).toContain(
      '--- Below this line is the original bounce.\r\n\r\nReturn-Path: <>\r\n',
    )
  })

  test('says so where the message was too large to be returned', () => {
    const { header } = facts.original
    expect(text({ ...facts, original: { header } })).toMatch(
      /Subject: hi\r\n\r\n--- End of message stripped\.\r\n$/,
    )
  })

  test('is announced as 8-bit where the message is', () => {
    const body = [Buffer.from('gr\u00fc\u00dfe\r\n')]
    const dsn = buildDsn({ ...facts, original: { ...facts.original, body } }, 'qsbmf')
    expect(dsn).toMatchObject({ bodyType: '8bitmime', smtputf8: false })
  })

  test('does not exist for a delay, which is told by RFC 3464', () => {
    const [failed] = facts.recipients
    const late = { outcome: 'deferred', status: '4.4.1', text: 'No answer' } as const
    expect(text({ ...facts, recipients: [{ ...failed, result: late }] })).toContain(
      'Content-Type: multipart/report',
    )
  })
})

test('a bounce by RFC 3464 alone has nothing before its parts', () => {
  const bytes = Buffer.from(buildDsn(facts, 'rfc3464').bytes).toString()
  expect(bytes).toMatch(/\r\n\r\n\r\n--=_q1\r\nContent-Type: text\/plain/)
  expect(bytes).toContain('message/delivery-status')
})
