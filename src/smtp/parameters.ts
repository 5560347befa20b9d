/**
 * The parameters of MAIL and RCPT (RFC 5321 §4.1.2): one table row each, from keyword to what it means. What is in no
 * row, or belongs to an extension that is not offered, is refused with 555; a wrong value or a repetition with 501.
 */
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import type { BodyType, MailParameters, Recipient } from '../mail/envelope.ts'
import type { Extension } from '../mail/extensions.ts'
import type { Reply } from '../mail/reply.ts'
import { badParameter, malformed, repeatedParameter, unknownParameter } from './replies.ts'
import { decodeXtext } from './xtext.ts'

/** Whether an extension is offered to this client now. */
export type Offers = (extension: Extension) => boolean

type Draft<T> = { -readonly [K in keyof T]: T[K] }

interface Row<T> {
  readonly extension: Extension
  /** Puts a value in its place. @returns whether there is such a value; `undefined` stands for a keyword alone. */
  readonly read: (into: Draft<T>, value: string | undefined, offers: Offers) => boolean
}

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reply: Reply }

const mailRows: ReadonlyMap<string, Row<MailParameters>> = new Map<string, Row<MailParameters>>([
  // RFC 1870 §3: up to twenty digits.
  [
    'SIZE',
    {
      extension: 'SIZE',
      read(into, value) {
        if (value === undefined || !/^\d{1,20}$/.test(value)) return false
        into.sizeBytes = Number(value)
        return true
      },
    },
  ],
  // RFC 6152 §2; RFC 3030 §3.
  [
    'BODY',
    {
      extension: '8BITMIME',
      read(into, value, offers) {
        const bodyType = bodyTypes.get(value?.toUpperCase() ?? '')
        if (bodyType === undefined) return false
        if (bodyType === 'binarymime' && !offers('BINARYMIME')) return false
        into.bodyType = bodyType
        return true
      },
    },
  ],
  // RFC 6531 §3.4.
  [
    'SMTPUTF8',
    {
      extension: 'SMTPUTF8',
      read(into, value) {
        into.smtputf8 = true
        return value === undefined
      },
    },
  ],
  // draft-hall-prdr §4.2.
  [
    'PRDR',
    {
      extension: 'PRDR',
      read(into, value) {
        into.prdr = true
        return value === undefined
      },
    },
  ],
  // RFC 4954 §5: who submitted it, in xtext.
  [
    'AUTH',
    {
      extension: 'AUTH',
      read(into, value) {
        const identity = value === undefined ? undefined : decodeXtext(value)
        if (identity === undefined) return false
        if (identity !== '<>' && parseMailbox(identity, { smtputf8: true }) === undefined) {
          return false
        }
        into.auth = identity
        return true
      },
    },
  ],
  // RFC 3461 §4.3.
  [
    'RET',
    {
      extension: 'DSN',
      read(into, value) {
        const returnContent = returnContents.get(value?.toUpperCase() ?? '')
        if (returnContent === undefined) return false
        into.returnContent = returnContent
        return true
      },
    },
  ],
  // RFC 3461 §4.4: printable ASCII, at most 100 characters as they are sent.
  [
    'ENVID',
    {
      extension: 'DSN',
      read(into, value) {
        const envelopeId =
          value === undefined || value.length > 100 ? undefined : decodeXtext(value)
        if (envelopeId === undefined || !/^[\x20-\x7e]+$/.test(envelopeId)) return false
        into.envelopeId = envelopeId
        return true
      },
    },
  ],
  // RFC 8689 §2.
  [
    'REQUIRETLS',
    {
      extension: 'REQUIRETLS',
      read(into, value) {
        into.requireTls = true
        return value === undefined
      },
    },
  ],
])

const bodyTypes: ReadonlyMap<string, BodyType> = new Map([
  ['7BIT', '7bit'],
  ['8BITMIME', '8bitmime'],
  ['BINARYMIME', 'binarymime'],
])

const returnContents: ReadonlyMap<string, 'full' | 'headers'> = new Map([
  ['FULL', 'full'],
  ['HDRS', 'headers'],
])

const rcptRows: ReadonlyMap<string, Row<Recipient>> = new Map<string, Row<Recipient>>([
  // RFC 3461 §4.1: NEVER alone, or some of the others, each once.
  [
    'NOTIFY',
    {
      extension: 'DSN',
      read(into, value) {
        const words = (value ?? '').toUpperCase().split(',', notifications.size + 1)
        const notify = words.flatMap((word) => notifications.get(word) ?? [])
        if (notify.length !== words.length || new Set(notify).size !== notify.length) return false
        if (notify.length > 1 && notify.includes('never')) return false
        into.notify = notify
        return true
      },
    },
  ],
  // RFC 3461 §4.2: a type (an atom), and an address of that type in xtext; at most 500 characters. RFC 6533 §3: `utf-8`.
  [
    'ORCPT',
    {
      extension: 'DSN',
      read(into, value) {
        const semicolon = value === undefined || value.length > 500 ? -1 : value.indexOf(';')
        if (value === undefined || semicolon === -1) return false
        const type = value.slice(0, semicolon)
        const address = originalAddress(type, value.slice(semicolon + 1))
        if (!/^[A-Za-z0-9-]+$/.test(type) || address === undefined) return false
        into.originalRecipient = `${type};${address}`
        return true
      },
    },
  ],
])

const notifications: ReadonlyMap<string, NonNullable<Recipient['notify']>[number]> = new Map([
  ['NEVER', 'never'],
  ['SUCCESS', 'success'],
  ['FAILURE', 'failure'],
  ['DELAY', 'delay'],
])

/** It will stand in the header of a report: no control characters, and UTF-8 only where the type says so. */
function originalAddress(type: string, written: string): string | undefined {
  const isUtf8Type = type.toLowerCase() === 'utf-8'
  const address = decodeXtext(written, { unitext: isUtf8Type })
  if (address === undefined || address.trim() === '' || address === '<>') return undefined
  return (isUtf8Type ? /\p{Cc}/u.test(address) : !/^[\x20-\x7e]+$/.test(address))
    ? undefined
    : address
}

/** @param text what follows the path: nothing, or a blank and the parameters */
export function parseMailParameters(text: string, offers: Offers): Outcome<MailParameters> {
  if (text === '') return noMailParameters
  return parse(text, { rows: mailRows, offers, into: {}, syntax: 'MAIL FROM:<address>' })
}

const noMailParameters: Outcome<MailParameters> = { ok: true, value: Object.freeze({}) }

export function parseRcptParameters(
  text: string,
  mailbox: Mailbox,
  offers: Offers,
): Outcome<Recipient> {
  if (text === '') return { ok: true, value: { mailbox } }
  return parse(text, { rows: rcptRows, offers, into: { mailbox }, syntax: 'RCPT TO:<address>' })
}

interface Reading<T> {
  readonly rows: ReadonlyMap<string, Row<T>>
  readonly offers: Offers
  readonly into: Draft<T>
  readonly syntax: string
}

function parse<T>(text: string, { rows, offers, into, syntax }: Reading<T>): Outcome<T> {
  const wrong = (reply: Reply): Outcome<T> => ({ ok: false, reply })
  if (!text.startsWith(' ')) return wrong(malformed(`${syntax} [parameters]`))
  const seen = new Set<string>()
  for (const word of text.split(' ')) {
    if (word === '') continue
    const equals = word.indexOf('=')
    const keyword = (equals === -1 ? word : word.slice(0, equals)).toUpperCase()
    if (!/^[A-Z0-9][A-Z0-9-]*$/.test(keyword)) return wrong(malformed(`${syntax} [KEYWORD=value]`))
    const row = rows.get(keyword)
    if (row === undefined || !offers(row.extension)) return wrong(unknownParameter(keyword))
    if (seen.has(keyword)) return wrong(repeatedParameter(keyword))
    seen.add(keyword)
    const value = equals === -1 ? undefined : word.slice(equals + 1)
    if (!row.read(into, value, offers)) return wrong(badParameter(keyword))
  }
  return { ok: true, value: into }
}
