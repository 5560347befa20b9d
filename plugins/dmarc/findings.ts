import { findingKey } from 'postern/plugin'

export type DmarcPolicy = 'none' | 'quarantine' | 'reject'

/** What DMARC says of a message (RFC 9989). */
export type DmarcFinding = {
  /** `permerror`: the header does not say who wrote it, or not in one way. */
  readonly result: 'none' | 'pass' | 'fail' | 'temperror' | 'permerror'
  /** The domain in From; of several, the one that the result is about. Empty where there is none. */
  readonly domain: string
  /** Where the policy was found: that domain, or one above it. */
  readonly policyDomain?: string
  /** What the domain wants to be done with mail that fails, with `sp`, `np`, `t` and `pct` applied. */
  readonly policy?: DmarcPolicy
  /** As published for the domain. */
  readonly published?: DmarcPolicy
  readonly aligned?: { readonly spf: boolean; readonly dkim: boolean }
  /** `pct` left this message out of the policy. */
  readonly sampledOut?: true
  /** The domain is testing (`t=y`). */
  readonly testing?: true
  /** It would pass if what the DNS does not answer for should hold: a signature, SPF, or the seal of somebody trusted. */
  readonly unproven?: 'dkim' | 'spf' | 'arc'
  /** A sealer whom we trust saw it pass before it was changed on the way (ARC). */
  readonly rescuedBy?: string
  /** In words. */
  readonly problem?: string
}

export const dmarcResult = findingKey<DmarcFinding, 'dmarc'>('dmarc')
