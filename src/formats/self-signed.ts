/**
 * A certificate that nobody vouches for but itself (X.509 version 3, RFC 5280): enough for encryption with clients that
 * ask for no more, as mail servers among themselves mostly do.
 */
import { sign, type KeyObject } from 'node:crypto'
import type { Instant } from '../mail/instant.ts'
import * as der from './der.ts'

export interface SelfSignedRequest {
  /** DNS names in ASCII; the first is the subject. */
  readonly names: readonly [string, ...string[]]
  readonly notBefore: Instant
  readonly notAfter: Instant
  /** At most 20 bytes, unlikely to be anybody else's (RFC 5280 §4.1.2.2). */
  readonly serial: Uint8Array
  /** A key pair on the curve P-256. */
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
} as const

/** RFC 5280 appendix A.1, ub-common-name. */
const longestCommonName = 64

/** @returns the certificate in PEM */
export function selfSignedCertificate(request: SelfSignedRequest): string {
  const { names, notBefore, notAfter, serial, privateKey, publicKey } = request
  const algorithm = der.sequence(der.objectIdentifier(oids.ecdsaWithSha256))
  const name = distinguishedName(names[0])
  const content = der.sequence(
    der.tagged(0xa0, der.integer(Buffer.of(2))),
    der.integer(serial),
    algorithm,
    name,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der.tagged(0xa3, der.sequence(...extensions(names))),
  )
  const signature = sign('sha256', content, privateKey)
  return pem(der.sequence(content, algorithm, der.bitString(signature)))
}

function distinguishedName(commonName: string): Buffer {
  const value = der.utf8String(commonName.slice(0, longestCommonName))
  return der.sequence(der.setOf(der.sequence(der.objectIdentifier(oids.commonName), value)))
}

function extensions(names: readonly string[]): readonly Buffer[] {
  const critical = [der.boolean(true)]
  const extension = (oid: string, value: Buffer, flags: readonly Buffer[] = []): Buffer =>
    der.sequence(der.objectIdentifier(oid), ...flags, der.octetString(value))
  const dnsNames = names.map((name) => der.tagged(0x82, Buffer.from(name, 'latin1')))
  return [
    // It signs nobody: an empty sequence means CA:FALSE. What the key is for is left open, so that a client may trust it.
    extension(oids.basicConstraints, der.sequence(), critical),
    extension(oids.subjectAltName, der.sequence(...dnsNames)),
  ]
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
