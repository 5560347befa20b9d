import { generateKeyPairSync } from 'node:crypto'
import { selfSignedCertificate } from '../formats/self-signed.ts'
import type { TlsIdentity } from '../runtime/net.ts'

/** A certificate for these names that nobody else has, with its key; it is its own authority. */
export function tlsIdentity(
  names: readonly [string, ...string[]],
  notAfter = Date.UTC(2120),
): TlsIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = selfSignedCertificate({
    names,
    notBefore: Date.UTC(2020),
    notAfter,
    serial: Buffer.of(1),
    privateKey,
    publicKey,
  })
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}
