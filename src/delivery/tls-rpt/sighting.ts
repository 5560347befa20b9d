/** What is reported of a session with a mail exchanger: what its domain demanded of TLS, and what came of it (RFC 8460 §4). */
import { isPosternError } from '../../mail/errors.ts'
import type { TlsaRecord } from '../../mail/tls-policy.ts'
import type { StsPolicy } from '../mta-sts/policy.ts'

/** RFC 8460 §4.3, as far as we can tell them apart. */
export const tlsFailures = [
  'starttls-not-supported',
  'certificate-host-mismatch',
  'certificate-expired',
  'certificate-not-trusted',
  'validation-failure',
  'dnssec-invalid',
  'sts-policy-fetch-error',
  'sts-policy-invalid',
  'sts-webpki-invalid',
] as const
export type TlsFailure = (typeof tlsFailures)[number]

export const policyTypes = ['sts', 'tlsa', 'no-policy-found'] as const

/** What the domain says, as a report quotes it. */
export interface PolicyFacts {
  readonly type: (typeof policyTypes)[number]
  readonly lines: readonly string[]
  readonly mx: readonly string[]
}

/** What came of the attempt to speak by TLS. */
export interface TlsOutcome {
  /** Absent: TLS was agreed on. */
  readonly failure?: TlsFailure
  /** In words; printable. */
  readonly reason?: string
}

export interface TlsSighting {
  readonly domain: string
  readonly policy: PolicyFacts
  /** Absent where it did not come to a host. */
  readonly hop?: { readonly name: string; readonly address: string }
  readonly outcome: TlsOutcome
}

/** Told of each session; it must not throw. */
export type TlsObserver = (sighting: TlsSighting) => void

export const noPolicy: PolicyFacts = { type: 'no-policy-found', lines: [], mx: [] }

export function stsFacts({ mode, mx, maxAgeSeconds }: StsPolicy): PolicyFacts {
  const lines = [
    'version: STSv1',
    `mode: ${mode}`,
    ...mx.map((name) => `mx: ${name}`),
    `max_age: ${maxAgeSeconds}`,
  ]
  return { type: 'sts', lines, mx }
}

export function tlsaFacts(records: readonly TlsaRecord[], host: string): PolicyFacts {
  const lines = records.map(
    ({ usage, selector, matchingType, data }) =>
      `${usage} ${selector} ${matchingType} ${Buffer.from(data).toString('hex').slice(0, 128)}`,
  )
  return { type: 'tlsa', lines, mx: [host] }
}

const byCode: ReadonlyMap<string, TlsFailure> = new Map([
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate-host-mismatch'],
  ['CERT_HAS_EXPIRED', 'certificate-expired'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate-not-trusted'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate-not-trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'certificate-not-trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate-not-trusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate-not-trusted'],
  ['CERT_UNTRUSTED', 'certificate-not-trusted'],
])

/** @param code what Node calls a certificate that it does not believe */
export function failureOfCode(code: string): TlsFailure {
  return byCode.get(code) ?? 'validation-failure'
}

/** Of a handshake that failed. */
export function failureOf(error: unknown): TlsFailure {
  const cause = isPosternError(error) ? error.cause : error
  return cause instanceof Error && 'code' in cause
    ? failureOfCode(String(cause.code))
    : 'validation-failure'
}
