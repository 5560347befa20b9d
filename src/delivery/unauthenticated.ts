/**
 * Whether a failure may be told to a sender whom nobody knows. A domain that we take mail for and pass on, without
 * knowing who exists there, fails for every invented recipient, and the invented reverse-paths get the bounces
 * (backscatter). So there the bounce waits for an operator, unless the configuration says otherwise.
 */
import { asciiDomain } from '../mail/domain.ts'
import type { Recipient } from '../mail/envelope.ts'

export interface UnauthenticatedRules {
  /** `bounce_unauthenticated`; absent: by what is known of the recipient's domain. */
  readonly rule?: 'send' | 'hold'
  /** Where a recipient without a domain belongs. */
  readonly defaultHost: string
  /** Domains that anybody may send to (control/rcpthosts). */
  readonly accepted: { find(domain: string): string | undefined }
  /** Whether mail for the address stays here (control/locals, control/virtualdomains). */
  readonly isLocal: (address: { readonly localPart: string; readonly domain: string }) => boolean
  /** Domains whose recipients are known before their mail is accepted. */
  readonly validated: ReadonlySet<string>
}

export function holdsBounce({ mailbox }: Recipient, rules: UnauthenticatedRules): boolean {
  if (rules.rule !== undefined) return rules.rule === 'hold'
  const written = mailbox.domain === '' ? rules.defaultHost : mailbox.domain
  const domain = asciiDomain(written) || written.toLowerCase()
  return (
    rules.accepted.find(domain) !== undefined &&
    !rules.isLocal({ localPart: mailbox.localPart, domain }) &&
    !rules.validated.has(domain)
  )
}
