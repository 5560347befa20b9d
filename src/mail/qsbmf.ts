/**
 * A bounce in the form of qmail-send, for programs that read nothing else (the qmail-send bounce message format): four
 * header fields, the paragraphs, a line that begins with a dash, the message. Pure.
 */
import { formatMailbox, formatPath } from './address.ts'
import type { DsnFacts, DsnRecipient } from './dsn-facts.ts'
import { allLines, noticeText, sayer, statusInText } from './dsn-text.ts'
import { noReason } from './delivery-result.ts'
import { formatField } from './header-field.ts'
import { noDomain } from './no-mailbox.ts'
import { formatDate } from './trace-fields.ts'
import { verpBase } from './verp.ts'

/** How it begins, what comes before the copy, and what stands for a body that is not returned. */
export const qsbmfGreeting = 'Hi. This is the qmail-send program at '
export const qsbmfBreak = '\r\n--- Below this line is '
export const qsbmfStripped = '--- End of message stripped.\r\n'

/** CRLF throughout; the message that is returned as it is. */
export function qsbmfNotice(facts: DsnFacts): Buffer {
  const { at, from, to, envelope, original } = facts
  const fields: readonly (readonly [name: string, value: string])[] = [
    ['Date', qmailDate(at)],
    ['From', formatMailbox(from)],
    ['To', formatMailbox(to)],
    ['Subject', 'failure notice'],
  ]
  const isDouble = envelope.reversePath === null
  const what = isDouble ? 'the original bounce' : 'a copy of the message'
  const head = [
    ...fields.map(([name, value]) => formatField(name, value)),
    '\r\n',
    noticeText(facts, { speaker: `qmail-send program at ${from.domain}`, failure }),
    `${qsbmfBreak}${what}.\r\n\r\n`,
    // Of copies that each had a reverse-path of their own, what these were made from.
    formatField('Return-Path', formatPath(verpBase(envelope.reversePath) ?? envelope.reversePath)),
  ]
  return Buffer.concat([
    Buffer.from(head.join('')),
    original.header,
    ...(original.body ?? [Buffer.from(qsbmfStripped)]),
  ])
}

/** The address has no quotes, and every report is as it was: a slash keeps an empty line from ending the paragraph. */
function failure({ recipient: { mailbox }, result }: DsnRecipient): readonly string[] {
  const { localPart, domain } = mailbox
  const plain = domain === noDomain || domain === '' ? localPart : `${localPart}@${domain}`
  // Who said no in words of their own may have given no status.
  const isCoded = result.status === '5.0.0' || statusInText.test(result.text)
  // Nothing is what qmail writes there, too.
  const said = result.text === noReason ? '' : result.text.trim()
  const lines = allLines(`${said}${isCoded ? '' : ` (#${result.status})`}`)
  return [
    `<${plain.replace(/\p{Cc}/gu, '_')}>:`,
    ...sayer(result),
    ...lines.flatMap((line, at) => (line === '' ? [] : [lines[at - 1] === '' ? `/${line}` : line])),
  ]
}

/** `21 Nov 2026 08:26:36 -0000`: no day of the week, and a zone that says nothing (RFC 5322 §3.3). */
function qmailDate(at: number): string {
  return formatDate(at)
    .replace(/^\w+, 0?/, '')
    .replace('+0000', '-0000')
}
