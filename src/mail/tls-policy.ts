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
  /** For `verify`: one of these decides, instead of the authorities (DANE, RFC 7672); they stand at the first of the names. */
  readonly tlsa?: readonly TlsaRecord[]
}

/** A TLSA record as it stands in the DNS (RFC 6698 §2.1). */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Uint8Array
}

/** Whether two policies demand the same, in whatever order the DNS gives the records. */
export function isSamePolicy(one: TlsPolicy, other: TlsPolicy): boolean {
  return inOrder(one) === inOrder(other)
}

function inOrder({ level, names, tlsa }: TlsPolicy): string {
  const records = tlsa?.map(({ usage, selector, matchingType, data }) =>
    [usage, selector, matchingType, Buffer.from(data).toString('hex')].join(' '),
  )
  return JSON.stringify([level, names, records?.toSorted()])
}

/** Whether a record can decide anything in SMTP (RFC 7672 §3.1): DANE-TA or DANE-EE, in forms that we know. */
export function isUsable({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  const lengths = [undefined, 32, 64]
  const length = lengths[matchingType]
  return (
    (usage === 2 || usage === 3) &&
    selector <= 1 &&
    matchingType <= 2 &&
    data.length > 0 &&
    (length === undefined || data.length === length)
  )
}
