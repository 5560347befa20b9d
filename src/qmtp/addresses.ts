/** Addresses of a packet: without quotes, in our own domain where they have none. */
import { mailboxOfQmail } from '../formats/qmail-envelope.ts'
import { formatMailbox, parseMailbox, type Mailbox } from '../mail/address.ts'
import { doubleBounceUser } from '../mail/double-bounce.ts'
import type { Recipient, ReversePath } from '../mail/envelope.ts'
import { noDomain } from '../mail/no-mailbox.ts'
import { verpBase } from '../mail/verp.ts'
import { mostAddressBytes } from './packet.ts'

/**
 * Of `list-@host-@[]` the base, as by SMTP: the mark is no way around whoever judges senders.
 * @returns undefined for what is no address
 */
export function senderOf(
  address: string,
  defaultHost: string,
): { readonly reversePath: ReversePath; readonly verp?: true } | undefined {
  if (address === '' || address === doubleBounceUser) return { reversePath: null }
  const whole = mailboxOf(address, defaultHost)
  if (whole?.domain !== noDomain) return whole && { reversePath: whole }
  const base = verpBase(whole)
  const reversePath = base && parseMailbox(formatMailbox(base), { smtputf8: true })
  return reversePath && { reversePath, verp: true }
}

/** @returns undefined for what is no address */
export function recipientOf(address: string, defaultHost: string): Recipient | undefined {
  const mailbox = address === '' ? undefined : mailboxOf(address, defaultHost)
  return mailbox && { mailbox }
}

function mailboxOf(address: string, defaultHost: string): Mailbox | undefined {
  return address.length > mostAddressBytes ? undefined : mailboxOfQmail(address, defaultHost)
}

/** Whether one of them has a character outside ASCII (RFC 6531). */
export function needsUtf8(
  reversePath: ReversePath,
  wanted: readonly (Recipient | undefined)[],
): boolean {
  const paths = [reversePath, ...wanted.map((recipient) => recipient?.mailbox)]
  return paths.some((path) => path && /[^\0-\x7f]/.test(path.localPart + path.domain))
}
