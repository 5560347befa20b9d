/**
 * Recipients that are no mail addresses. Programs of qmail's may name them: each fails by itself, with a bounce that shows
 * what was written, and the others get their mail.
 */
import { formatMailbox, type Mailbox } from './address.ts'

/** No host has this domain, and what has it goes nowhere. qmail's own `#@[]` and `…-@[]` are senders, never recipients. */
export const noDomain = '[]'

/** The whole text is kept, without what would break a line. */
export function noMailbox(text: string): Mailbox {
  return { localPart: text.replaceAll(/\p{Cc}/gu, '_'), domain: noDomain }
}

/** For people: an address, or what was written in place of one. */
export function shownMailbox(mailbox: Mailbox): string {
  return mailbox.domain === noDomain ? mailbox.localPart : formatMailbox(mailbox)
}
