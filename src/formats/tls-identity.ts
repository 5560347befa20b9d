/** Certificates and keys in PEM: what is wrong with them, in words that help. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'

export interface IdentityProblem {
  readonly field: 'certificate' | 'key'
  readonly problem: string
  readonly remedy: string
}

/** Why a certificate, with those between it and its authority, and a key are no pair; undefined where they are. */
export function identityProblem({
  certificate,
  key,
}: {
  readonly certificate: string
  readonly key: string
}): IdentityProblem | undefined {
  const [own] = certificatesIn(certificate) ?? []
  if (own === undefined) {
    const problem = 'holds no certificate that can be read'
    return { field: 'certificate', problem, remedy: 'name a certificate in PEM, with its chain' }
  }
  const privateKey = keyIn(key)
  if (privateKey === undefined) {
    const problem = 'holds no private key that can be read'
    return { field: 'key', problem, remedy: 'name a private key in PEM, without a passphrase' }
  }
  if (own.checkPrivateKey(privateKey)) return undefined
  const problem = 'is not the key of the certificate'
  return { field: 'key', problem, remedy: 'name the key that the certificate was made for' }
}

function keyIn(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    // What is wrong with it OpenSSL says in words that help nobody.
    return undefined
  }
}

const endOfCertificate = '-----END CERTIFICATE-----'

/** All certificates of a PEM file, in order; undefined where there is none, or one cannot be read. */
export function certificatesIn(pem: string): readonly X509Certificate[] | undefined {
  const parts = pem.split(endOfCertificate).slice(0, -1)
  try {
    const all = parts.map((part) => new X509Certificate(`${part}${endOfCertificate}\n`))
    return all.length > 0 ? all : undefined
  } catch {
    return undefined
  }
}
