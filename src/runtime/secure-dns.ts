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
  /** Whether what the name server says of the mail exchangers of a domain can be relied on. */
  isMxSecure(domain: string, signal?: AbortSignal): Promise<boolean>
  /** The same of the addresses of a host, all aliases on the way to them included, and where those lead. */
  host(name: string, signal?: AbortSignal): Promise<SecureHost>
}

export interface SecureHost {
  readonly secure: boolean
  /** The name that has the addresses, in lower case: the one asked for unless that is an alias. */
  readonly canonicalName: string
}
