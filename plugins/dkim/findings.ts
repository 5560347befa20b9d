import { findingKey } from 'postern/plugin'

/** RFC 8601 §2.7.1. */
export type DkimWord = 'none' | 'pass' | 'fail' | 'policy' | 'neutral' | 'temperror' | 'permerror'

/** Why a signature counts for nothing, as far as somebody might want to treat it differently. */
export type DkimProblem =
  | 'no-key'
  | 'bad-key'
  | 'weak-key'
  | 'revoked-key'
  | 'syntax'
  | 'body-hash'
  | 'signature'
  | 'expired'
  | 'dns'
  | 'limit'

/** What DKIM says of a message (RFC 6376). */
export type DkimFinding = {
  /** Of the best signature; `none` where there is none. */
  readonly result: DkimWord
  readonly problem?: DkimProblem
  /** In the order of the header. */
  readonly signatures: readonly {
    /** `d=`, in lower case; empty where there is none. */
    readonly domain: string
    /** `s=` */
    readonly selector: string
    readonly result: DkimWord
    readonly problem?: DkimProblem
    /** In words, for people. */
    readonly comment?: string
    /** `a=`: `rsa-sha256`, `ed25519-sha256`. */
    readonly algorithm: string
    /** Of an RSA key. */
    readonly keyBits?: number
    /** `i=` */
    readonly identity?: string
    /** The beginning of `b=`: which of several signatures this is (RFC 6008). */
    readonly signature?: string
    /** The key record says that the domain is testing (`t=y`). */
    readonly testing?: true
    /** `l=`: only so much of the body is signed; anybody may have added the rest. */
    readonly bodyLimit?: { readonly signedBytes: number; readonly unsignedBytes: number }
  }[]
}

export const dkimResult = findingKey<DkimFinding, 'dkim'>('dkim')
