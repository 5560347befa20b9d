/** The certificates of the listeners: judged for `postern check`, and when they expire. */
import type { ListenerConfiguration } from '../config/configuration.ts'
import { certificatesIn, identityProblem, type IdentityProblem } from '../formats/tls-identity.ts'
import { errorMessage } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import type { Net, TlsIdentity } from '../runtime/net.ts'
import type { TlsCertificate } from '../smtp/policy.ts'

/** Whether a listener shows the gateway's own certificate. */
export function wantsOwn({ tls }: ListenerConfiguration): boolean {
  return tls !== undefined && tls.identities.length === 0
}

/** Certificates that no handshake could use. */
export function certificateMistakes(
  listeners: readonly ListenerConfiguration[],
  net: Net,
): readonly Mistake[] {
  return listeners.flatMap(({ tls, place }) => {
    const { identities = [], clients } = tls ?? {}
    const mistakes = identities.flatMap((identity): readonly Mistake[] => {
      const found = identityProblem(identity) ?? refusal(identity, net)
      return found === undefined ? [] : [mistakeAt(place, [...identity.at, found.field], found)]
    })
    if (clients === undefined || certificatesIn(clients.authorities) !== undefined) return mistakes
    const problem = 'holds no certificate that can be read'
    const remedy = 'name a file with the certificates of the authorities, in PEM'
    return [...mistakes, mistakeAt(place, ['client_certificates', 'ca'], { problem, remedy })]
  })
}

/** Renewals go wrong for days before anybody looks. */
const soonMs = 21 * 86_400_000

/** Certificates that most clients would not believe, now or soon. */
export function certificateDoubts(
  listeners: readonly ListenerConfiguration[],
  now: Instant,
): readonly Mistake[] {
  return listeners.flatMap(({ tls, place }) =>
    (tls?.identities ?? []).flatMap(({ certificate, at }): readonly Mistake[] => {
      const problem = dateProblem(certificate, now)
      return problem === undefined
        ? []
        : [mistakeAt(place, [...at, 'certificate'], { problem, ...renewal })]
    }),
  )
}

/** The same of those that options choose. */
export function chosenDoubts(chosen: readonly TlsCertificate[], now: Instant): readonly Mistake[] {
  return chosen.flatMap(({ path: file, held }): readonly Mistake[] => {
    const problem = 'problem' in held ? undefined : dateProblem(held.certificate, now)
    return problem === undefined ? [] : [{ file, problem, ...renewal }]
  })
}

const renewal = {
  remedy: 'have it renewed; a new file is used without a restart',
  code: 'certificate-expires',
} as const

function dateProblem(pem: string, now: Instant): string | undefined {
  const read = certificatesIn(pem)?.[0]
  if (read === undefined) return undefined
  const from = read.validFromDate.getTime()
  const to = read.validToDate.getTime()
  if (now > to) return `has expired on ${dateOf(to)}`
  if (now < from) return `is not in force before ${dateOf(from)}`
  return to < now + soonMs ? `expires on ${dateOf(to)}` : undefined
}

export interface CertificateExpiry {
  /** Who shows it; empty for one that options choose. */
  readonly listener: string
  /** Whom the certificate names first. */
  readonly name: string
  readonly expiresAt: Instant
}

/** When the certificates expire. @param own shown where a listener names no certificate */
export function certificateExpiries(
  listeners: readonly Pick<ListenerConfiguration, 'name' | 'tls'>[],
  own: string | undefined,
): readonly CertificateExpiry[] {
  return listeners.flatMap(({ name: listener, tls }) => {
    if (tls === undefined) return []
    const written = tls.identities.map(({ certificate }) => certificate)
    const shown = written.length === 0 && own !== undefined ? [own] : written
    return shown.flatMap((pem) => expiryOf(pem, listener))
  })
}

/** The same of those that options choose. */
export function chosenExpiries(chosen: readonly TlsCertificate[]): readonly CertificateExpiry[] {
  return chosen.flatMap(({ held }) => ('problem' in held ? [] : expiryOf(held.certificate, '')))
}

function expiryOf(pem: string, listener: string): readonly CertificateExpiry[] {
  const read = certificatesIn(pem)?.[0]
  if (read === undefined) return []
  const [, name = ''] = /(?:^|\n)CN=([^\n]+)/.exec(read.subject ?? '') ?? []
  const [, host = name] = /(?:^|, )DNS:([^,]+)/.exec(read.subjectAltName ?? '') ?? []
  return [{ listener, name: host, expiresAt: read.validToDate.getTime() }]
}

function dateOf(at: Instant): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** What is well-formed may still be too weak, for instance a key of 1024 bits. */
function refusal({ certificate, key }: TlsIdentity, net: Net): IdentityProblem | undefined {
  try {
    net.tlsContext({ certificate, key })
    return undefined
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    const reason = errorMessage(cause)
    const remedy = 'have one made that OpenSSL takes, for instance with a key on the curve P-256'
    return { field: 'certificate', problem: `cannot be used: ${reason}`, remedy }
  }
}
