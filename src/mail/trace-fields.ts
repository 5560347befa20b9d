/**
 * The fields by which a message says where it has been: RFC 5321 §4.4.
 * Whatever a client says of itself is cut down to a safe set of characters first.
 */
import { formatPath, type Mailbox } from './address.ts'
import { withAsciiDomain } from './domain.ts'
import type { ReversePath } from './envelope.ts'
import { fieldText } from './header-field.ts'
import type { Instant } from './instant.ts'
import type { Session } from './session.ts'

/** The name of the protocol a message came by: RFC 5321 §4.4, RFC 3848, RFC 6531 §4.3; qmail's own two besides. */
export type ProtocolName =
  | 'SMTP'
  | 'QMTP'
  | 'QMQP'
  | `${'ESMTP' | 'LMTP' | 'UTF8SMTP' | 'UTF8LMTP'}${'' | 'S' | 'A' | 'SA'}`

/** By what protocol this session's next message comes. After HELO it is `SMTP`, whatever lies below: RFC 3848 has no other name. */
export function protocolName(session: Session, smtputf8: boolean): ProtocolName {
  const verb = session.hello?.verb ?? 'HELO'
  if (verb === 'HELO') return 'SMTP'
  const lmtp = verb === 'LHLO'
  const base = smtputf8 ? (lmtp ? 'UTF8LMTP' : 'UTF8SMTP') : lmtp ? 'LMTP' : 'ESMTP'
  const authenticated = session.user !== undefined
  if (session.tls === undefined) return authenticated ? `${base}A` : base
  return authenticated ? `${base}SA` : `${base}S`
}

export interface ReceivedFacts {
  readonly session: Session
  readonly protocol: ProtocolName
  /** The transaction's id. */
  readonly id: string
  readonly at: Instant
  /** The client's name by DNS, if it was looked up and confirmed. */
  readonly remoteName?: string
  /** Only where there is one recipient: naming several would disclose blind copies (RFC 5321 §7.2). */
  readonly recipient?: Mailbox
}

/** The value of a Received field (RFC 5321 §4.4), folded; prepend it under the name `Received`. */
export function receivedField(facts: ReceivedFacts): string {
  const { session, protocol, id, at, remoteName, recipient } = facts
  const { address } = session.remote
  const literal = address.includes(':') ? `IPv6:${address}` : address
  const hello = safe(session.hello?.name ?? 'unknown')
  const name = safe(remoteName ?? 'unknown')
  const forClause =
    recipient === undefined ? '' : `\r\n for ${fieldText(formatPath(withAsciiDomain(recipient)))}`
  return (
    `from ${hello} (${name} [${safe(literal)}])\r\n` +
    ` by ${safe(session.hostname)} with ${protocol} id ${safe(id)}${forClause}; ${formatDate(at)}`
  )
}

/** qmail's safe set, and what address literals and many host names hold besides. */
function safe(text: string): string {
  const cut = text.length > 255 ? text.slice(0, 255) : text
  return cut === '' ? 'unknown' : cut.replace(/[^\w.@%+/=:[\]-]/g, '?')
}

/** RFC 5322 §3.3, in UTC: `Sat, 21 Nov 2026 08:10:12 +0000`. By hand: every message has one, and `toUTCString` costs ten times as much. */
export function formatDate(at: Instant): string {
  const date = new Date(at)
  const day = `${dayNames[date.getUTCDay()]}, ${two(date.getUTCDate())} ${monthNames[date.getUTCMonth()]}`
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return `${day} ${String(date.getUTCFullYear()).padStart(4, '0')} ${time} +0000`
}

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const monthNames = [
  ...(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'] as const),
  ...(['Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const),
] as const

function two(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}

/**
 * How many times a message was passed on already: its Received and Delivered-To fields, up to the empty line.
 * Only those: Received-SPF and its like are no hops.
 */
export function countHops(headerBytes: Uint8Array): number {
  let hops = 0
  for (let line = 0; line < headerBytes.length && headerBytes[line] !== 0x0d;) {
    if (isField(headerBytes, line, 'received') || isField(headerBytes, line, 'delivered-to')) hops++
    const end = headerBytes.indexOf(0x0a, line)
    if (end < 0) break
    line = end + 1
  }
  return hops
}

/** How many fields a header has: its lines up to the empty one, without those that go on with a field. */
export function countFields(headerBytes: Uint8Array): number {
  let fields = 0
  for (let line = 0; line < headerBytes.length && headerBytes[line] !== 0x0d;) {
    if (headerBytes[line] !== 0x20 && headerBytes[line] !== 0x09) fields++
    const end = headerBytes.indexOf(0x0a, line)
    if (end < 0) break
    line = end + 1
  }
  return fields
}

/** `name` in lower case, without characters that differ from others in the bit of case only. */
function isField(bytes: Uint8Array, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (((bytes[at + i] ?? 0) | 0x20) !== name.charCodeAt(i)) return false
  }
  let after = at + name.length
  while (bytes[after] === 0x20 || bytes[after] === 0x09) after++
  return bytes[after] === 0x3a
}

/** The whole line that final delivery puts on top (RFC 5321 §4.4), CRLF included. */
export function returnPathField(reversePath: ReversePath): string {
  return `Return-Path: ${oneLine(formatPath(reversePath))}\r\n`
}

/** The whole line by which a local delivery finds its own loops, CRLF included; without quotes, as qmail writes it. */
export function deliveredToField(mailbox: Mailbox): string {
  return `Delivered-To: ${deliveredTo(mailbox)}\r\n`
}

/** What that line says of whom: two that say the same are one mailbox. */
export function deliveredTo(mailbox: Mailbox): string {
  const { localPart, domain } = withAsciiDomain(mailbox)
  return oneLine(domain === '' ? localPart : `${localPart}@${domain}`)
}

/** As qmail does: what would break the line becomes `_`. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, '_')
}
