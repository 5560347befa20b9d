/**
 * What a session with a next hop must be protected by. `none`: no TLS. `may`: TLS where it is offered, whatever the
 * certificate. `encrypt`: never in the clear. `verify`: with a certificate that somebody we trust signed for the host.
 */
export const tlsLevels = ['none', 'may', 'encrypt', 'verify'] as const
export type TlsLevel = (typeof tlsLevels)[number]

export interface TlsPolicy {
  readonly level: TlsLevel
  /** For `verify`: one of these names must be in the certificate, instead of the host's own. */
  readonly names?: readonly string[]
}
