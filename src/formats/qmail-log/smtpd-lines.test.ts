import { describe, expect, test } from 'vitest'
import { QmailSmtpdLines } from './smtpd-lines.ts'
import { sessionNumber, type HappenedEvent } from './words.ts'

const session = 'c0ffee00-1'
const pid = sessionNumber(session)
const remote = '192.0.2.7'
const lines = (
  ...events: readonly (readonly [event: string, fields: HappenedEvent['fields']])[]
): readonly string[] => {
  const writer = new QmailSmtpdLines()
  return events.flatMap(([event, fields]) =>
    writer.lines({ level: 'info', event, fields: { session, remote, ...fields } }),
  )
}

describe("the lines of qmail-smtpd's log", () => {
  test('begin and end a session as tcpserver does', () => {
    const local = '10.0.0.1:25'
    expect(
      lines(
        ['session.opened', { local, port: 4711, remoteName: 'mail.there.test', limit: 30 }],
        ['session.ended', { reason: 'quit' }],
      ),
    ).toEqual([
      'tcpserver: status: 1/30',
      `tcpserver: pid ${pid} from 192.0.2.7`,
      `tcpserver: ok ${pid} :10.0.0.1:25 mail.there.test:192.0.2.7::4711`,
      `tcpserver: end ${pid} status 0`,
      'tcpserver: status: 0/30',
    ])
    expect(lines(['connection.refused', { listener: 'mx', limit: 'address' }])[0]).toMatch(
      /^tcpserver: deny \d+ mx: :192\.0\.2\.7:: MAXCONNIP$/,
    )
  })

  test.each([
    [
      'session.refused',
      { steps: ['dnsbl reject DNS_LISTED'], code: 554, text: 'Listed\n' },
      `rblsmtpd: 192.0.2.7 pid ${pid}: 553 Listed?`,
    ],
    [
      'rcpt.refused',
      { reason: 'RBLSMTPD', code: 451, text: 'Later' },
      `rblsmtpd: 192.0.2.7 pid ${pid}: 451 Later`,
    ],
    [
      'rcpt.refused',
      { reason: 'BADRCPTTO', recipient: 'x@here.test' },
      `qmail-smtpd[${pid}]: badrcptto: x@here.test at 192.0.2.7`,
    ],
    [
      'transaction.refused',
      { steps: ['badmailfrom reject BADMAILFROM'], reversePath: '<x@there.test>' },
      `qmail-smtpd[${pid}]: badmailfrom: x@there.test at 192.0.2.7`,
    ],
    ['rcpt.refused', { reason: 'GREYLIST_FIRST' }, `jgreylist[${pid}]: 192.0.2.7: GREY first time`],
    [
      'transaction.refused',
      { status: '5.3.4' },
      `qmail-smtpd[${pid}]: DATABYTES exceeded [192.0.2.7]`,
    ],
    ['login.accepted', { user: 'joe' }, `qmail-smtpd[${pid}]: AUTH successful [192.0.2.7] joe`],
    ['login.rejected', { user: 'j\noe' }, `qmail-smtpd[${pid}]: AUTH failed [192.0.2.7] j?oe`],
    ['mail.taken', { path: '<>' }, `qmail-smtpd[${pid}]: MAIL FROM:<>`],
    ['rcpt.asked', { path: '<a@b.test>' }, `qmail-smtpd[${pid}]: RCPT TO:<a@b.test>`],
    [
      'mfcheck.answered',
      { answer: 'no', domain: 'x.test' },
      `qmail-smtpd[${pid}]: MFCHECK fail [192.0.2.7] x.test`,
    ],
    [
      'validrcptto.not-found',
      { recipient: 'A@b.test' },
      `qmail-smtpd[${pid}]: validrcptto [192.0.2.7] not found: A@b.test`,
    ],
    [
      'early-talker.spoke',
      {},
      `qmail-smtpd[${pid}]: before greeting: [192.0.2.7] client sent data`,
    ],
  ])('tell of %s %o', (event, fields, expected) => {
    expect(lines([event, fields])).toEqual([expected])
  })

  test('tell nothing of what those programs do not know', () => {
    expect(
      lines(['message.queued', {}], ['transaction.committed', {}], ['rcpt.refused', {}]),
    ).toEqual([])
  })
})
