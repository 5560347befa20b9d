/** control/percenthack: domains where `user%host@domain` means `user@host`. */
import type { Mailbox } from '../mail/address.ts'
import { asciiDomain, isDomain } from '../mail/domain.ts'
import { controlList } from './control.ts'

/** Hops in one address; more are nobody's mistake. */
const mostHops = 10

/** A-labels in lower case. */
export function parsePercentHack(bytes: Uint8Array | undefined): ReadonlySet<string> {
  const domains = controlList(bytes).map(({ text }) => asciiDomain(text))
  return new Set(domains.filter((domain) => domain !== ''))
}

/**
 * The last percent sign counts, again and again, as qmail-send does.
 * @param domains as `parsePercentHack` has them
 * @returns the mailbox itself where nothing is to be done, `undefined` where no address comes of it
 */
export function withoutPercentSigns(
  mailbox: Mailbox,
  domains: ReadonlySet<string>,
): Mailbox | undefined {
  let meant = mailbox
  for (let hop = 0; hop < mostHops && domains.has(asciiDomain(meant.domain)); hop++) {
    const percent = meant.localPart.lastIndexOf('%')
    if (percent < 0) break
    const next = {
      localPart: meant.localPart.slice(0, percent),
      domain: meant.localPart.slice(percent + 1),
    }
    if (next.localPart === '' || !isDomain(next.domain, { smtputf8: true })) return undefined
    meant = next
  }
  return meant
}
