/**
 * The attributes of XCLIENT and XFORWARD (Postfix, XCLIENT_README and XFORWARD_README): what a proxy says of the client
 * that it speaks for. Pure; strict in what an attribute may hold, since it ends up in logs, rules and trace fields.
 */
import ipaddr from 'ipaddr.js'
import { decodeXtext } from './xtext.ts'

/** By XCLIENT; `null`: the proxy does not know either. */
export interface ClaimedClient {
  readonly name?: string | null
  readonly address?: string | null
  readonly port?: number | null
  readonly protocol?: 'SMTP' | 'ESMTP'
  readonly hello?: string | null
  readonly login?: string | null
  readonly localAddress?: string | null
  readonly localPort?: number | null
}

/** By XFORWARD, for the log: attribute in lower case, and what it holds. */
export type ForwardedClient = { readonly [attribute: string]: string }

export const xclientAttributes =
  'NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT REVERSE_NAME'.split(' ')
export const xforwardAttributes = 'NAME ADDR PORT PROTO HELO IDENT SOURCE'.split(' ')

/** @returns undefined where the text is not one or more known attributes, each with what it may hold */
export function parseXclient(text: string): ClaimedClient | undefined {
  let claimed: ClaimedClient | undefined
  for (const word of text.split(' ')) {
    const read = attributeOf(word)
    const claim = read === undefined ? undefined : claimOf(read)
    if (claim === undefined) return undefined
    claimed = { ...claimed, ...claim }
  }
  return claimed
}

/** The same for XFORWARD. What is unavailable is an empty text. */
export function parseXforward(text: string): ForwardedClient | undefined {
  const forwarded = new Map<string, string>()
  for (const word of text.split(' ')) {
    const read = attributeOf(word)
    if (read === undefined || !xforwardAttributes.includes(read.name)) return undefined
    forwarded.set(read.name.toLowerCase(), read.value ?? '')
  }
  return Object.fromEntries(forwarded)
}

interface Attribute {
  readonly name: string
  /** `undefined`: unavailable. */
  readonly value: string | undefined
}

function attributeOf(word: string): Attribute | undefined {
  const [, name = '', encoded = ''] = /^([A-Za-z_]{1,20})=(\S{1,768})$/.exec(word) ?? []
  const value = decodeXtext(encoded)
  // What is special in header fields, and blanks, could say more than one thing there.
  if (value === undefined || !/^[^\p{Cc}\s()<>,;"\\]{1,255}$/u.test(value)) return undefined
  const unavailable = /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value)
  return { name: name.toUpperCase(), value: unavailable ? undefined : value }
}

function claimOf({ name, value }: Attribute): ClaimedClient | undefined {
  switch (name) {
    case 'NAME':
      return hostName(value, (read) => ({ name: read }))
    case 'REVERSE_NAME':
      // A name that does not lead back to the address says nothing that could be relied on.
      return hostName(value, () => ({}))
    case 'ADDR':
      return ipAddress(value, (read) => ({ address: read }))
    case 'DESTADDR':
      return ipAddress(value, (read) => ({ localAddress: read }))
    case 'PORT':
      return portNumber(value, (read) => ({ port: read }))
    case 'DESTPORT':
      return portNumber(value, (read) => ({ localPort: read }))
    case 'PROTO': {
      const protocol = value?.toUpperCase()
      return protocol === 'SMTP' || protocol === 'ESMTP' ? { protocol } : undefined
    }
    case 'HELO':
      return value === undefined || /^[\x21-\x7e]+$/.test(value)
        ? { hello: value ?? null }
        : undefined
    case 'LOGIN':
      return { login: value ?? null }
    default:
      return undefined
  }
}

type Claim<T> = (value: T | null) => ClaimedClient

function hostName(text: string | undefined, claim: Claim<string>): ClaimedClient | undefined {
  if (text === undefined) return claim(null)
  return /^[\w.-]+$/.test(text) ? claim(text) : undefined
}

/** IPv6 stands behind `IPV6:`. */
function ipAddress(text: string | undefined, claim: Claim<string>): ClaimedClient | undefined {
  if (text === undefined) return claim(null)
  const [, ipv6] = /^IPV6:(.*)$/i.exec(text) ?? []
  if (ipv6 === undefined && ipaddr.IPv4.isValidFourPartDecimal(text)) return claim(text)
  const address = ipv6 ?? text
  if (address.includes('%') || !ipaddr.IPv6.isValid(address)) return undefined
  return claim(ipaddr.process(address).toString())
}

function portNumber(text: string | undefined, claim: Claim<number>): ClaimedClient | undefined {
  if (text === undefined) return claim(null)
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? claim(Number(text)) : undefined
}
