/** The envelope that a program of qmail's hands over, in our own terms. */
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import { doubleBounceUser } from '../mail/double-bounce.ts'
import type { Envelope } from '../mail/envelope.ts'
import { noDomain, noMailbox } from '../mail/no-mailbox.ts'
import { latin1Bytes, readable } from './octets.ts'
import type { QmailEnvelope } from './qmail-queue-protocol.ts'

/**
 * A recipient that is no mail address fails by itself, as in qmail: the others get their mail, and the sender is told.
 * @param defaultHost for addresses without a domain
 * @returns what is wrong with the sender, in words for a log
 */
export function envelopeOfQmail(
  { sender, recipients }: QmailEnvelope,
  defaultHost: string,
): Omit<Envelope, 'bodyType'> | string {
  const isDouble = sender === doubleBounceUser
  const reversePath = sender === '' || isDouble ? null : mailboxOfQmail(sender, defaultHost)
  if (reversePath === undefined) return `the sender is no mail address: ${sender}`
  const mailboxes = recipients.map(
    (each) => mailboxOfQmail(each, defaultHost) ?? noMailbox(readable(latin1Bytes(each))),
  )
  const all = reversePath === null ? mailboxes : [reversePath, ...mailboxes]
  return {
    reversePath,
    recipients: mailboxes.map((to) => ({ mailbox: to })),
    smtputf8: all.some(({ localPart, domain }) => /[^\0-\x7f]/.test(localPart + domain)),
    requireTls: false,
    ...(isDouble ? { user: doubleBounceUser } : {}),
  }
}

/**
 * qmail's addresses have no quotes: what it writes as `a b@c` is `"a b"@c` elsewhere.
 * @param address one character for each byte
 */
export function mailboxOfQmail(address: string, defaultHost: string): Mailbox | undefined {
  const text = readable(latin1Bytes(address))
  const at = text.lastIndexOf('@')
  const localPart = at < 0 ? text : text.slice(0, at)
  const domain = at < 0 ? defaultHost : text.slice(at + 1)
  // Senders that only qmail's own programs know: double bounces, and lists with a reverse-path for each recipient.
  if (domain === noDomain && /^[!-~]+$/.test(localPart)) return { localPart, domain }
  const asItIs = parseMailbox(`${localPart}@${domain}`, { smtputf8: true })
  if (asItIs !== undefined && !localPart.startsWith('"')) return asItIs
  const quoted = `"${localPart.replace(/["\\]/g, '\\$&')}"@${domain}`
  return parseMailbox(quoted, { smtputf8: true })
}
