/**
 * Domain names and address literals: RFC 5321 §4.1.2 and §4.1.3, RFC 6531 §3.3.
 * Strict but for two things: underscores pass, because they are in use; a number with a leading zero
 * in an IPv4 address does not, because not everybody reads it alike.
 */
import { domainToASCII } from 'node:url'

const maxDomain = 255
const maxLabel = 63
const dot = 0x2e
const hyphen = 0x2d
const underscore = 0x5f

/**
 * The offset after the domain name that begins at `from`, or what is wrong with it in words fit for a reply.
 * Stops before the first character that no domain name holds.
 */
export function domainEnd(text: string, from: number, smtputf8 = false): number | string {
  let label = from
  let international = false
  let at = from
  for (; ; at++) {
    const c = text.charCodeAt(at)
    if (isLetterOrDigit(c) || c === hyphen || c === underscore) continue
    if (c > 0x7f && smtputf8) {
      international = true
      continue
    }
    const problem = labelProblem(text, label, at)
    if (problem !== undefined) return problem
    if (c !== dot) break
    label = at + 1
  }
  if (at - from > maxDomain) return 'The domain is too long'
  if (international && asciiDomain(text.slice(from, at)) === '')
    return 'There is no such domain name'
  return at
}

function labelProblem(text: string, from: number, to: number): string | undefined {
  if (from === to) return 'The domain has an empty label'
  if (text.charCodeAt(from) === hyphen || text.charCodeAt(to - 1) === hyphen) {
    return 'The domain has a label with a hyphen at its edge'
  }
  return to - from > maxLabel ? 'The domain has a label that is too long' : undefined
}

function isLetterOrDigit(c: number): boolean {
  return (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a)
}

/** Whether a whole text is a domain name. Under `smtputf8` also one with U-labels. */
export function isDomain(text: string, options?: { readonly smtputf8?: boolean }): boolean {
  return domainEnd(text, 0, options?.smtputf8) === text.length
}

/** Whether a whole text is an address literal with its brackets: `[192.0.2.1]`, `[IPv6:2001:db8::1]`. */
export function isAddressLiteral(text: string): boolean {
  return literalAddress(text) !== undefined
}

/** The address inside an address literal, `undefined` for anything else. Other tags than `IPv6` are not standardised. */
export function literalAddress(text: string): string | undefined {
  if (!text.startsWith('[') || !text.endsWith(']') || text.length > maxDomain) return undefined
  const inside = text.slice(1, -1)
  if (/^ipv6:/i.test(inside)) {
    const address = inside.slice(5)
    return isIpv6(address) ? address : undefined
  }
  return isIpv4(inside) ? inside : undefined
}

function isIpv4(text: string): boolean {
  const numbers = text.split('.')
  return (
    numbers.length === 4 && numbers.every((n) => /^(?:0|[1-9]\d{0,2})$/.test(n) && Number(n) < 256)
  )
}

/** `::` stands for two groups at least (RFC 5321 §4.1.3), so six may stand beside it; a final IPv4 address counts as two. */
function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const last = groups.at(-1)
  const tail = last?.includes('.') === true && !text.endsWith('::')
  if (tail && !isIpv4(last)) return false
  const size = groups.length + (tail ? 1 : 0)
  const hex = tail ? groups.slice(0, -1) : groups
  return (
    (halves.length === 2 ? size <= 6 : size === 8) && hex.every((g) => /^[0-9a-f]{1,4}$/i.test(g))
  )
}

/**
 * The domain in lower case as A-labels, ready for DNS and tables; `''` if it is none.
 * An address literal is no domain name.
 */
export function asciiDomain(domain: string): string {
  if (domain.length > maxDomain) return ''
  const ascii = /^[\x21-\x7e]*$/.test(domain) ? domain.toLowerCase() : fromUnicode(domain)
  return isDomain(ascii) ? ascii : ''
}

/** In A-labels where it has others: so an address of ASCII needs no SMTPUTF8 for its domain (RFC 6531 §3.2). */
export function withAsciiDomain<M extends { readonly domain: string }>(mailbox: M): M {
  const { domain } = mailbox
  return /[^\0-\x7f]/.test(domain) ? { ...mailbox, domain: asciiDomain(domain) || domain } : mailbox
}

/** domainToASCII reads hosts of URLs: it decodes `%`, and takes a name that ends in a number for an IPv4 address. */
function fromUnicode(domain: string): string {
  if (!/^[-.\w\x80-\uffff]*$/.test(domain) || !domain.isWellFormed()) return ''
  const ascii = domainToASCII(domain)
  return /(?:^|\.)\d+$/.test(ascii) ? '' : ascii
}
