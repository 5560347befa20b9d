/** The envelope that a program of qmail's hands over, in our own terms. */
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import type { Envelope } from '../mail/envelope.ts'
import { latin1Bytes, readable } from './octets.ts'
import type { QmailEnvelope } from './qmail-queue-protocol.ts'

/**
 * @param defaultHost for addresses without a domain
 * @returns what is wrong with an address, in words for a log
 */
export function envelopeOfQmail(
  { sender, recipients }: QmailEnvelope,
  defaultHost: string,
): Omit<Envelope, 'bodyType'> | string {
  const reversePath = sender === '' ? null : mailboxOfQmail(sender, defaultHost)
  if (reversePath === undefined) return `the sender is no mail address: ${sender}`
  const mailboxes: Mailbox[] = []
  for (const recipient of recipients) {
    const parsed = mailboxOfQmail(recipient, defaultHost)
    if (parsed === undefined) return `a recipient is no mail address: ${recipient}`
    mailboxes.push(parsed)
  }
  const all = reversePath === null ? mailboxes : [reversePath, ...mailboxes]
  return {
    reversePath,
    recipients: mailboxes.map((to) => ({ mailbox: to })),
    smtputf8: all.some(({ localPart, domain }) => /[^\0-\x7f]/.test(localPart + domain)),
    requireTls: false,
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
  if (domain === '[]' && /^[!-~]+$/.test(localPart)) return { localPart, domain }
  const quoted = `"${localPart.replace(/["\\]/g, '\\$&')}"@${domain}`
  return (
    parseMailbox(`${localPart}@${domain}`, { smtputf8: true }) ??
    parseMailbox(quoted, { smtputf8: true })
  )
}
