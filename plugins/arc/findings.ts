import { findingKey } from 'postern/plugin'

/** What the chain of custody says (RFC 8617). */
export type ArcFinding = {
  readonly result: 'none' | 'pass' | 'fail'
  /** In words. */
  readonly problem?: string
  /** Those of a chain that holds, the oldest first. */
  readonly sets: readonly ArcSet[]
  /** Of a chain that fails because the DNS did not answer for a key: what it says, if it should hold. */
  readonly unproven?: readonly ArcSet[]
}

export type ArcSet = {
  /** `i=` */
  readonly instance: number
  /** `d=` of the seal, in lower case. */
  readonly sealer: string
  readonly selector: string
  /** What the sealer saw: `spf`, `dkim`, `dmarc`, `arc`, the first result of each. */
  readonly seen: { readonly [method: string]: string }
  /** The domain in From as the sealer saw it, where it says so. */
  readonly author?: string
}

export const arcResult = findingKey<ArcFinding, 'arc'>('arc')
