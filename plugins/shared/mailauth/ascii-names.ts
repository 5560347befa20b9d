/** Names as a header field of ours has them: with A-labels, so that no message needs SMTPUTF8 for what we say of it. */
import { asciiDomain, formatMailbox, type Mailbox } from 'postern/plugin'

/** A name of ASCII, and what is no domain, as it is. */
export function asciiName(name: string): string {
  return /[^\0-\x7f]/.test(name) ? asciiDomain(name) || name : name
}

export function asciiAddress(mailbox: Mailbox): string {
  return formatMailbox({ ...mailbox, domain: asciiName(mailbox.domain) })
}
