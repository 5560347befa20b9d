/** Whether the certificates that a server shows are those that its TLSA records mean (RFC 6698, for SMTP RFC 7672 §3). */
import { createHash, X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate } from 'node:tls'
import { isUsable, type TlsaRecord } from '../../mail/tls-policy.ts'

export interface DaneQuestion {
  /** The server's own first, each followed by its issuer's. */
  readonly chain: readonly X509Certificate[]
  readonly records: readonly TlsaRecord[]
  /** One of which the certificate must have where an authority vouches for it. */
  readonly names: readonly string[]
  readonly now: number
}

/** @returns what is wrong; undefined where one record is satisfied */
export function daneProblem({ chain, records, names, now }: DaneQuestion): string | undefined {
  const [leaf] = chain
  if (leaf === undefined) return 'it shows no certificate'
  const usable = records.filter(isUsable)
  // DANE-EE says all that there is to say: neither name nor date count (RFC 7672 §3.1.1).
  if (usable.some((record) => record.usage === 3 && matches(leaf, record))) return undefined
  for (const record of usable.filter(({ usage }) => usage === 2)) {
    const at = chain.findIndex((certificate) => matches(certificate, record))
    if (at < 0 || !isPath(chain.slice(0, at + 1), now)) continue
    if (names.some((name) => leaf.checkHost(name) !== undefined)) return undefined
    return 'its certificate has another name'
  }
  return 'its certificate is not the one of its TLSA records'
}

function matches(certificate: X509Certificate, record: TlsaRecord): boolean {
  const { selector, matchingType, data } = record
  const selected =
    selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const digest =
    matchingType === 0
      ? selected
      : createHash(matchingType === 1 ? 'sha256' : 'sha512')
          .update(selected)
          .digest()
  return digest.equals(data)
}

/** Whether each certificate is valid now and signed by the next; one alone must have signed itself. */
function isPath(path: readonly X509Certificate[], now: number): boolean {
  return path.every((certificate, at) => {
    const isLast = at === path.length - 1
    const issuer = path[at + 1] ?? certificate
    const inForce =
      certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime()
    if (isLast && path.length > 1) return inForce && certificate.ca
    return inForce && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  })
}

const longestChain = 10

/** As the server sent it, and Node has put it in order. */
export function chainOf(peer: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = []
  let at: DetailedPeerCertificate | undefined = peer
  while (at?.raw !== undefined && chain.length < longestChain) {
    chain.push(new X509Certificate(at.raw))
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate
  }
  return chain
}
