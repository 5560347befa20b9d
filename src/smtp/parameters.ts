/**
 * The parameters of MAIL and RCPT (RFC 5321 §4.1.2): one table row each, from keyword to what it means.
 * What is in no row is refused with 555, a wrong value or a repetition with 501.
 */
import { isUtf8 } from 'node:buffer'
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import type { MailParameters, Recipient } from '../mail/envelope.ts'
import type { Reply } from '../mail/reply.ts'
import { badParameter, malformed, repeatedParameter, unknownParameter } from './replies.ts'

type Draft<T> = { -readonly [K in keyof T]: T[K] }

/** Puts a value in its place. @returns whether there is such a value; `undefined` stands for a keyword alone. */
type Row<T> = (into: Draft<T>, value: string | undefined) => boolean

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reply: Reply }

const mailRows: ReadonlyMap<string, Row<MailParameters>> = new Map<string, Row<MailParameters>>([
  // RFC 1870 §3: up to twenty digits.
  [
    'SIZE',
    (into, value) => {
      if (value === undefined || !/^\d{1,20}$/.test(value)) return false
      into.sizeBytes = Number(value)
      return true
    },
  ],
  // RFC 6152 §2.
  [
    'BODY',
    (into, value) => {
      switch (value?.toUpperCase()) {
        case '7BIT':
          into.bodyType = '7bit'
          return true
        case '8BITMIME':
          into.bodyType = '8bitmime'
          return true
        default:
          return false
      }
    },
  ],
  // RFC 6531 §3.4.
  [
    'SMTPUTF8',
    (into, value) => {
      into.smtputf8 = true
      return value === undefined
    },
  ],
  // draft-hall-prdr §4.2.
  [
    'PRDR',
    (into, value) => {
      into.prdr = true
      return value === undefined
    },
  ],
  // RFC 4954 §5: who submitted it, in xtext.
  [
    'AUTH',
    (into, value) => {
      const identity = value === undefined ? undefined : decodeXtext(value)
      if (identity === undefined) return false
      if (identity !== '<>' && parseMailbox(identity, { smtputf8: true }) === undefined) {
        return false
      }
      into.auth = identity
      return true
    },
  ],
])

/** No extension that is offered has any. */
const rcptRows: ReadonlyMap<string, Row<Recipient>> = new Map<string, Row<Recipient>>([])

/** @param text what follows the path: nothing, or a blank and the parameters */
export function parseMailParameters(text: string): Outcome<MailParameters> {
  return text === '' ? noMailParameters : parse(text, mailRows, {}, 'MAIL FROM:<address>')
}

const noMailParameters: Outcome<MailParameters> = { ok: true, value: Object.freeze({}) }

export function parseRcptParameters(text: string, mailbox: Mailbox): Outcome<Recipient> {
  return text === ''
    ? { ok: true, value: { mailbox } }
    : parse(text, rcptRows, { mailbox }, 'RCPT TO:<address>')
}

function parse<T>(
  text: string,
  rows: ReadonlyMap<string, Row<T>>,
  into: Draft<T>,
  syntax: string,
): Outcome<T> {
  const wrong = (reply: Reply): Outcome<T> => ({ ok: false, reply })
  if (!text.startsWith(' ')) return wrong(malformed(`${syntax} [parameters]`))
  const seen = new Set<string>()
  for (const word of text.split(' ')) {
    if (word === '') continue
    const equals = word.indexOf('=')
    const keyword = (equals === -1 ? word : word.slice(0, equals)).toUpperCase()
    if (!/^[A-Z0-9][A-Z0-9-]*$/.test(keyword)) return wrong(malformed(`${syntax} [KEYWORD=value]`))
    const row = rows.get(keyword)
    if (row === undefined) return wrong(unknownParameter(keyword))
    if (seen.has(keyword)) return wrong(repeatedParameter(keyword))
    seen.add(keyword)
    const value = equals === -1 ? undefined : word.slice(equals + 1)
    if (!row(into, value)) return wrong(badParameter(keyword))
  }
  return { ok: true, value: into }
}

/** RFC 3461 §4: `+` and two hexadecimal digits stand for an octet. @returns undefined where the text is no xtext of UTF-8 */
export function decodeXtext(text: string): string | undefined {
  if (!/^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})+$/.test(text)) return undefined
  const octets = text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  const bytes = Buffer.from(octets, 'latin1')
  return isUtf8(bytes) ? bytes.toString() : undefined
}
