/**
 * Delivery status notifications: RFC 3464 and, for internationalised mail, RFC 6533. Unless told otherwise QSBMF parsers
 * read a failure too, because the MIME preamble and the first part say it in qmail's paragraphs.
 * Pure: dates and ids come from the caller. Nothing of a peer's gets in unescaped but the returned message.
 */
import assert from 'node:assert/strict'
import { isAscii, isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { formatMailbox, formatPath } from './address.ts'
import { withAsciiDomain } from './domain.ts'
import type { DsnFacts } from './dsn-facts.ts'
import { statusFields } from './dsn-status.ts'
import { noticeText, outcomeOf, subjectOf } from './dsn-text.ts'
import type { BodyType } from './envelope.ts'
import { formatField } from './header-field.ts'
import { qsbmfNotice } from './qsbmf.ts'
import { formatDate } from './trace-fields.ts'

export type { DsnFacts, DsnRecipient } from './dsn-facts.ts'

/** A message to be queued with the null reverse-path (RFC 3464 §2). */
export interface Dsn {
  readonly bytes: Uint8Array
  readonly bodyType: BodyType
  readonly smtputf8: boolean
}

/**
 * Whether a notification returns the whole message: something failed and RET does not say HDRS (RFC 3461 §4.3),
 * nor REQUIRETLS the same (RFC 8689 §5), it is not too large, and not binary, for which message/rfc822 has no encoding that every next hop takes.
 */
export function returnsBody(
  { envelope, recipients }: Pick<DsnFacts, 'envelope' | 'recipients'>,
  { sizeBytes, maxBytes }: { readonly sizeBytes: number; readonly maxBytes: number },
): boolean {
  return (
    recipients.some(({ result }) => result.outcome === 'failed') &&
    envelope.returnContent !== 'headers' &&
    !envelope.requireTls &&
    envelope.bodyType !== 'binarymime' &&
    sizeBytes <= maxBytes
  )
}

/**
 * What the notice of a failure looks like: RFC 3464 that QSBMF parsers read too, or one of them alone. Of delays and
 * deliveries QSBMF knows nothing: they are told by RFC 3464.
 */
export type BounceFormat = 'both' | 'rfc3464' | 'qsbmf'

/** The notification with its header. The recipients' NOTIFY has been honoured by the caller: each of them is reported on. */
export function buildDsn(of: DsnFacts, format: BounceFormat = 'both'): Dsn {
  const facts = { ...of, from: withAsciiDomain(of.from), to: withAsciiDomain(of.to) }
  const smtputf8 = needsUtf8(facts)
  if (format === 'qsbmf' && outcomeOf(facts) === 'failed') {
    const bytes = qsbmfNotice(facts)
    return { bytes, bodyType: isAscii(bytes) ? '7bit' : '8bitmime', smtputf8 }
  }
  const text = Buffer.from(noticeText(facts))
  const parts = partsOf(facts, text, smtputf8)
  const eightBit = !parts.every(({ content }) => isAscii(content))
  const boundary = boundaryFor(facts.id, parts)
  const bytes = Buffer.concat([
    Buffer.from(`${dsnHeader(facts, { smtputf8, eightBit, boundary })}\r\n`),
    // The preamble: a QSBMF parser takes the boundary for the break before the copy.
    format === 'both' ? text : Buffer.alloc(0),
    ...parts.flatMap((part) => [Buffer.from(partHeader(part, boundary)), part.content]),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ])
  return { bytes, bodyType: eightBit ? '8bitmime' : '7bit', smtputf8 }
}

/** RFC 6533: only for a message that came with SMTPUTF8 and cannot be reported on without it. */
function needsUtf8({ from, to, envelope, recipients, original }: DsnFacts): boolean {
  const reported = envelope.smtputf8 ? recipients.map(({ recipient }) => recipient.mailbox) : []
  return (
    [from, to, ...reported].some((mailbox) => /\P{ASCII}/u.test(formatMailbox(mailbox))) ||
    (envelope.smtputf8 && !isAscii(original.header) && isUtf8(original.header))
  )
}

interface Part {
  readonly type: string
  readonly content: Uint8Array
}

function partsOf(facts: DsnFacts, text: Uint8Array, smtputf8: boolean): readonly Part[] {
  const { header, body } = facts.original
  const status = Buffer.from(statusFields(facts, smtputf8))
  return [
    { type: `text/plain; charset=${isAscii(text) ? 'us-ascii' : 'utf-8'}`, content: text },
    {
      type: smtputf8 ? 'message/global-delivery-status' : 'message/delivery-status',
      content: status,
    },
    body === undefined
      ? { type: smtputf8 ? 'message/global-headers' : 'text/rfc822-headers', content: header }
      : {
          type: smtputf8 ? 'message/global' : 'message/rfc822',
          content: Buffer.concat([header, ...body]),
        },
  ]
}

function partHeader({ type, content }: Part, boundary: string): string {
  const encoding = isAscii(content) ? '' : 'Content-Transfer-Encoding: 8bit\r\n'
  return `\r\n--${boundary}\r\nContent-Type: ${type}\r\n${encoding}\r\n`
}

/** RFC 2046 §5.1.1: a line that no part holds. Only who knows the id can forge the first try, and nobody the second. */
function boundaryFor(id: string, parts: readonly Part[]): string {
  const isFree = (boundary: string): boolean =>
    parts.every(
      ({ content }) =>
        Buffer.from(content.buffer, content.byteOffset, content.length).indexOf(boundary) < 0,
    )
  const first = `=_${token(id)}`
  if (isFree(first)) return first
  const hash = createHash('sha256')
  for (const { content } of parts) hash.update(content)
  const second = `=_${hash.digest('hex')}`
  assert(isFree(second), 'a message holds its own hash')
  return second
}

/** Fit for a Message-ID and a boundary. */
function token(id: string): string {
  return id.slice(0, 60).replace(/[^\w.-]/g, '_')
}

interface MimeFacts {
  readonly smtputf8: boolean
  readonly eightBit: boolean
  readonly boundary: string
}

function dsnHeader(facts: DsnFacts, { smtputf8, eightBit, boundary }: MimeFacts): string {
  const report = smtputf8 ? 'global-delivery-status' : 'delivery-status'
  const fields: readonly (readonly [name: string, value: string])[] = [
    ['Date', formatDate(facts.at)],
    ['From', `Mail Delivery System ${formatPath(facts.from)}`],
    ['To', formatMailbox(facts.to)],
    ['Subject', subjectOf(facts)],
    ['Message-ID', `<${token(facts.id)}@${facts.hostname}>`],
    ['Auto-Submitted', 'auto-replied'],
    ['MIME-Version', '1.0'],
    ['Content-Type', `multipart/report; report-type=${report};\r\n boundary="${boundary}"`],
    ['Content-Transfer-Encoding', eightBit ? '8bit' : '7bit'],
  ]
  return fields.map(([name, value]) => formatField(name, value)).join('')
}
