/** The part of a notification that programs read: RFC 3464 §2, RFC 6533 §3. */
import type { DeliveryResult } from './delivery-result.ts'
import type { DsnFacts, DsnRecipient } from './dsn-facts.ts'
import { replyLines } from './dsn-text.ts'
import { fieldText, formatField } from './header-field.ts'
import { shownMailbox } from './no-mailbox.ts'
import { printable } from './reply.ts'
import { formatDate } from './trace-fields.ts'

/** A group of fields for the message and one for each recipient, with an empty line between. */
export function statusFields(facts: DsnFacts, smtputf8: boolean): string {
  const { envelope, hostname, arrivedAt, recipients } = facts
  const ofMessage = group([
    ['Original-Envelope-Id', envelope.envelopeId && printable(envelope.envelopeId)],
    ['Reporting-MTA', `dns; ${hostname}`],
    ['Arrival-Date', date(arrivedAt)],
  ])
  return [ofMessage, ...recipients.map((entry) => ofRecipient(entry, smtputf8))].join('\r\n')
}

const actions = { delivered: 'delivered', deferred: 'delayed', failed: 'failed' } as const

function ofRecipient(entry: DsnRecipient, smtputf8: boolean): string {
  const { recipient, result, action, lastAttemptAt, retryUntil } = entry
  const { originalRecipient, mailbox } = recipient
  return group([
    ['Original-Recipient', originalRecipient && typedAddress(originalRecipient, smtputf8)],
    ['Final-Recipient', typedAddress(`rfc822;${shownMailbox(mailbox)}`, smtputf8)],
    ['Action', action ?? actions[result.outcome]],
    ['Status', result.status],
    ['Remote-MTA', result.remote && `dns; ${printable(result.remote)}`],
    ['Diagnostic-Code', diagnostic(result)],
    ['Last-Attempt-Date', date(lastAttemptAt)],
    ['Will-Retry-Until', date(retryUntil)],
  ])
}

function group(fields: readonly (readonly [name: string, value: string | undefined])[]): string {
  return fields.map(([name, value]) => (value ? formatField(name, value) : '')).join('')
}

function date(at: number | undefined): string | undefined {
  return at === undefined ? undefined : formatDate(at)
}

/** `type;address`. An address outside ASCII has the type `utf-8`, and where the notification is ASCII the form of RFC 6533 §3. */
function typedAddress(text: string, smtputf8: boolean): string {
  const address = text.slice(text.indexOf(';') + 1)
  if (!/\P{ASCII}/u.test(text)) return fieldText(text)
  return `utf-8;${fieldText(smtputf8 ? address : utf8AddrXtext(address))}`
}

/** RFC 6533 §3: utf-8-addr-xtext. */
function utf8AddrXtext(address: string): string {
  return address.replace(
    /[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]/gu,
    (character) => `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`,
  )
}

/** The type `smtp` is for what another server said (RFC 3464 §2.3.6); our own words have one of our own. */
function diagnostic({ outcome, remote, text }: DeliveryResult): string | undefined {
  const words = replyLines(text).join(' ')
  if (outcome === 'delivered' || words === '') return undefined
  return `${remote !== undefined && /^[245]\d\d\b/.test(words) ? 'smtp' : 'x-postern'}; ${words}`
}
