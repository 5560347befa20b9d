import type { TlsaRecord } from '../mail/tls-policy.ts'

/** An answer, and whether the resolver says that DNSSEC vouches for it (the AD bit, RFC 4035 §3.2.3). */
export interface SecureAnswer<T> {
  readonly secure: boolean
  /** Empty: there are none, or there is no such name. */
  readonly records: readonly T[]
}

/**
 * The door to what DNSSEC vouches for. It is worth as much as the way to the resolver: that must be on this host, or
 * on a network that nobody else writes to. Whatever is not an answer is a PosternError DNS_FAILED.
 */
export interface SecureDns {
  tlsa(name: string, signal?: AbortSignal): Promise<SecureAnswer<TlsaRecord>>
  /** Whether what the name server says of these records of a name can be relied on. */
  isSecure(name: string, type: 'MX' | 'A' | 'AAAA', signal?: AbortSignal): Promise<boolean>
}
