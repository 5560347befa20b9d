/** What an address means at this host beyond what is written: our own address literals, and names without a domain. */
import ipaddr from 'ipaddr.js'
import type { Mailbox } from '../mail/address.ts'
import { literalAddress } from '../mail/domain.ts'
import type { Session } from '../mail/session.ts'
import type { ReceiverSettings } from './policy.ts'

interface Here {
  readonly session: Session
  readonly settings: ReceiverSettings
}

/** Likewise; but the recipient postmaster has no domain (RFC 5321 §4.1.1.3), whoever asks. */
export function meantRecipient(mailbox: Mailbox, here: Here): Mailbox {
  const isPostmaster = mailbox.domain === '' && mailbox.localPart.toLowerCase() === 'postmaster'
  return isPostmaster ? mailbox : meantAddress(mailbox, here)
}

/**
 * An address literal of ours stands for control/localiphost, as in qmail. A name without a domain, where lenient, is one at
 * our own host.
 */
export function meantAddress(mailbox: Mailbox, { session, settings }: Here): Mailbox {
  const { localPart, domain } = mailbox
  if (domain === '') return { localPart, domain: settings.hostname }
  if (!domain.startsWith('[')) return mailbox
  const address = canonical(literalAddress(domain) ?? '')
  const isOurs = everywhereOwn.has(address) || address === canonical(session.local.address)
  return isOurs && address !== '' ? { localPart, domain: settings.localIpHost } : mailbox
}

/** The same host, whichever it is. */
const everywhereOwn: ReadonlySet<string> = new Set(['127.0.0.1', '0.0.0.0', '::1'])

/** Empty for what is no address. */
function canonical(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : ''
}
