/**
 * What the TLSA records of a mail exchanger demand (DANE for SMTP, RFC 7672 §2.2): nothing, unless DNSSEC vouches for
 * the whole way from the domain to the records. A question without an answer is no "nothing": whoever can suppress
 * answers could switch DANE off, so that host is not used now (§2.1.1).
 */
import type { DeliveryResult } from '../mail/delivery-result.ts'
import { isPosternError } from '../mail/errors.ts'
import { printable } from '../mail/reply.ts'
import { isUsable, type TlsPolicy } from '../mail/tls-policy.ts'
import { tlsaFacts, type PolicyFacts } from './tls-rpt/sighting.ts'
import type { SecureDns } from '../runtime/secure-dns.ts'

export interface DaneHop {
  /** Whose mail exchanger it is. */
  readonly domain: string
  readonly host: string
  readonly port: number
}

export type DaneAnswer =
  | {
      readonly policy: TlsPolicy | undefined
      readonly facts?: PolicyFacts
      readonly result?: never
    }
  | { readonly policy?: never; readonly facts?: never; readonly result: DeliveryResult }

/**
 * The policy for one host, undefined where DANE says nothing of it; or why the host can not be used now. Where the host
 * is an alias, the records of the name that it leads to count first (RFC 7672 §2.2.3); the first of the policy's names
 * is the one that had them.
 */
export async function danePolicy(
  dns: SecureDns,
  { domain, host, port }: DaneHop,
  signal: AbortSignal,
): Promise<DaneAnswer> {
  try {
    if (!(await dns.isMxSecure(domain, signal))) return { policy: undefined }
    const { secure: isHostSecure, canonicalName } = await dns.host(host, signal)
    if (!isHostSecure) return { policy: undefined }
    for (const name of new Set([canonicalName, host])) {
      const { secure, records } = await dns.tlsa(`_${port}._tcp.${name}`, signal)
      if (!secure || records.length === 0) continue
      const usable = records.filter(isUsable)
      const facts = tlsaFacts(records, host)
      // Records that nobody can use still say that there is TLS (RFC 7672 §2.2).
      if (usable.length === 0) return { policy: { level: 'encrypt' }, facts }
      return { policy: { level: 'verify', names: [name, domain], tlsa: usable }, facts }
    }
    return { policy: undefined }
  } catch (error) {
    if (!isPosternError(error)) throw error
    const text = `The DNS gives no answer about the TLSA records of ${host}: ${printable(error.message)}`
    return { result: { outcome: 'deferred', status: '4.4.3', text } }
  }
}

/** What the configuration in force says counts: with `delivery.dane` off no domain counts as one that DNSSEC vouches for, and nobody is asked. */
export function whileObeyed(dns: SecureDns, isObeyed: () => boolean): SecureDns {
  return {
    ...dns,
    isMxSecure: async (domain, signal) => isObeyed() && dns.isMxSecure(domain, signal),
  }
}
