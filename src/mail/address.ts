/**
 * One address parser, used everywhere: RFC 5321 §4.1.2 and §4.1.3, with RFC 6531 where the caller says so.
 * Linear in its input; what it accepts is bounded by RFC 5321 §4.5.3.1: a domain by 255 octets, a path by 256. The 64
 * octets of a local-part are what everybody must take, not what nobody may exceed: bounce addresses (VERP, SRS) do.
 */
import { domainEnd, isAddressLiteral } from './domain.ts'

/** A local-part at a domain, as the client spelled them; a quoted local-part is kept without its quotes. */
export interface Mailbox {
  readonly localPart: string
  /** A domain name, or an address literal in brackets; empty only for the bare `postmaster` (RFC 5321 §4.5.1). */
  readonly domain: string
}

/** What a path holds: a mailbox, the null path, or a mistake in words fit for a reply. */
export type ParsedPath =
  | { readonly ok: true; readonly mailbox: Mailbox | null; readonly rest: string }
  | { readonly ok: false; readonly problem: string }

export interface AddressOptions {
  /** RFC 6531: UTF-8 in local-parts and domains. */
  readonly smtputf8?: boolean
  /** RCPT only: `<postmaster>` without a domain (RFC 5321 §4.1.1.3). */
  readonly barePostmaster?: boolean
}

const maxPath = 256
const quote = 0x22
const comma = 0x2c
const dot = 0x2e
const colon = 0x3a
const opening = 0x3c
const closing = 0x3e
const at = 0x40
const bracket = 0x5b
const backslash = 0x5c

/**
 * Reads the path that `text` begins with, from `<` to `>`; a source route is dropped (RFC 5321 §4.1.1.3, appendix C).
 * `rest` is what follows the `>`. Command bytes come decoded as latin1, or as UTF-8 under `smtputf8`.
 */
export function parsePath(text: string, options: AddressOptions = {}): ParsedPath {
  if (text.charCodeAt(0) !== opening)
    return { ok: false, problem: 'The path does not begin with <' }
  if (text.charCodeAt(1) === closing) return { ok: true, mailbox: null, rest: text.slice(2) }
  const from = text.charCodeAt(1) === at ? routeEnd(text, 1, options.smtputf8) : 1
  if (typeof from === 'string') return { ok: false, problem: from }
  const found = mailboxAt(text, from, options)
  if (typeof found === 'string') return { ok: false, problem: found }
  const { mailbox, end } = found
  if (text.charCodeAt(end) !== closing) return { ok: false, problem: unexpected(text, end) }
  if (octets(text, 0, end + 1) > maxPath) return { ok: false, problem: 'The path is too long' }
  return { ok: true, mailbox, rest: text.slice(end + 1) }
}

/** Reads a text that is one mailbox and nothing else, without angle brackets. */
export function parseMailbox(text: string, options: AddressOptions = {}): Mailbox | undefined {
  const found = mailboxAt(text, 0, options)
  if (typeof found === 'string' || found.end !== text.length) return undefined
  return octets(text, 0, found.end) > maxPath - 2 ? undefined : found.mailbox
}

/** `local-part@domain`, the local-part quoted where it must be. */
export function formatMailbox({ localPart, domain }: Mailbox): string {
  const local = isDotString(localPart) ? localPart : `"${localPart.replace(/["\\]/g, '\\$&')}"`
  return domain === '' ? local : `${local}@${domain}`
}

/** `<local-part@domain>`, or `<>` for the null path. */
export function formatPath(reversePath: Mailbox | null): string {
  return reversePath === null ? '<>' : `<${formatMailbox(reversePath)}>`
}

/** The domain without regard to case, the local-part exactly (RFC 5321 §2.4). */
export function sameMailbox(a: Mailbox, b: Mailbox): boolean {
  return (
    a.localPart === b.localPart &&
    (a.domain === b.domain || a.domain.toLowerCase() === b.domain.toLowerCase())
  )
}

/** The whole address in lower case and without quotes, as tables and counters know it. */
export function mailboxKey({ localPart, domain }: Mailbox): string {
  return (domain === '' ? localPart : `${localPart}@${domain}`).toLowerCase()
}

/** `@one.example,@two.example:` before the mailbox: read, and forgotten. */
function routeEnd(text: string, from: number, smtputf8?: boolean): number | string {
  for (let start = from; ;) {
    if (text.charCodeAt(start) !== at) return 'The source route is malformed'
    const end = domainEnd(text, start + 1, smtputf8)
    if (typeof end === 'string') return end
    if (text.charCodeAt(end) === colon) return end + 1
    if (text.charCodeAt(end) !== comma) return 'The source route is malformed'
    start = end + 1
  }
}

interface Found {
  readonly mailbox: Mailbox
  readonly end: number
}

function mailboxAt(text: string, from: number, options: AddressOptions): Found | string {
  const quoted = text.charCodeAt(from) === quote
  const local = (quoted ? quotedStringEnd : dotStringEnd)(text, from, options.smtputf8)
  if (typeof local === 'string') return local
  const localPart = quoted ? unquoted(text.slice(from + 1, local - 1)) : text.slice(from, local)
  if (text.charCodeAt(local) !== at) {
    if (options.barePostmaster === true && localPart.toLowerCase() === 'postmaster') {
      return { mailbox: { localPart, domain: '' }, end: local }
    }
    return unexpected(text, local)
  }
  const literal = text.charCodeAt(local + 1) === bracket
  const end = literal ? literalEnd(text, local + 1) : domainEnd(text, local + 1, options.smtputf8)
  if (typeof end === 'string') return end
  return { mailbox: { localPart, domain: text.slice(local + 1, end) }, end }
}

function dotStringEnd(text: string, from: number, smtputf8 = false): number | string {
  let atom = from
  let international = false
  for (let i = from; ; i++) {
    const c = text.charCodeAt(i)
    if (isAtext(c)) continue
    if (c > 0x7f && smtputf8) {
      international = true
      continue
    }
    if (i === atom)
      return i === from ? 'The local-part is missing' : 'The local-part has a dot too many'
    if (c === dot) {
      atom = i + 1
      continue
    }
    return international && !isCleanText(text.slice(from, i)) ? unclean : i
  }
}

function quotedStringEnd(text: string, from: number, smtputf8 = false): number | string {
  for (let i = from + 1; ; i++) {
    let c = text.charCodeAt(i)
    if (c === quote) return smtputf8 && !isCleanText(text.slice(from, i)) ? unclean : i + 1
    const pair = c === backslash
    if (pair) c = text.charCodeAt(++i)
    if ((c >= 0x20 && c <= 0x7e) || (c > 0x7f && smtputf8 && !pair)) continue
    return unexpected(text, i)
  }
}

function literalEnd(text: string, from: number): number | string {
  const end = text.indexOf(']', from) + 1
  if (end === 0 || !isAddressLiteral(text.slice(from, end)))
    return 'The address literal is malformed'
  return end
}

/** RFC 5322 §3.2.3; the order of the tests is that of likelihood. */
function isAtext(c: number): boolean {
  if (c >= 0x61 && c <= 0x7a) return true
  if (c >= 0x30 && c <= 0x39) return true
  if (c >= 0x41 && c <= 0x5a) return true
  switch (c) {
    case 0x2d: // -
    case 0x5f: // _
    case 0x2b: // +
    case 0x3d: // =
    case 0x21: // !
    case 0x23: // #
    case 0x24: // $
    case 0x25: // %
    case 0x26: // &
    case 0x27: // '
    case 0x2a: // *
    case 0x2f: // /
    case 0x3f: // ?
    case 0x5e: // ^
    case 0x60: // `
    case 0x7b: // {
    case 0x7c: // |
    case 0x7d: // }
    case 0x7e: // ~
      return true
    default:
      return false
  }
}

function isDotString(localPart: string): boolean {
  let previous = dot
  for (let i = 0; i < localPart.length; i++) {
    const c = localPart.charCodeAt(i)
    if (c === dot ? previous === dot : !isAtext(c) && c <= 0x7f) return false
    previous = c
  }
  return previous !== dot
}

function unquoted(inside: string): string {
  return inside.includes('\\') ? inside.replace(/\\(.)/g, '$1') : inside
}

const unclean = 'The local-part is not clean UTF-8'

/** No control characters, no half of a surrogate pair, nothing that a decoder has replaced. */
function isCleanText(text: string): boolean {
  return text.isWellFormed() && !/[\x80-\x9f\ufffd]/.test(text)
}

function octets(text: string, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text.slice(from, to))
  }
  return to - from
}

function unexpected(text: string, offset: number): string {
  const c = text.charCodeAt(offset)
  if (Number.isNaN(c)) return 'The address is cut short'
  if (c === closing) return 'The domain is missing'
  if (c > 0x7f) return 'Characters outside ASCII need SMTPUTF8'
  return 'The address holds a character it may not hold there'
}
