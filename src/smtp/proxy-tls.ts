/** What a PROXY header of version 2 says of TLS that ended at the proxy (§2.2.6 of the protocol's text). */
import type { TlsState } from '../mail/session.ts'

const typeAuthority = 0x02
const typeSsl = 0x20
const subtypeVersion = 0x21
const subtypeCipher = 0x23
/** The client came by TLS. */
const clientSsl = 0x01
/** A byte of flags and the result of the certificate's verification. */
const sslHeadBytes = 5

/** @param bytes the type-length-values behind the addresses */
export function proxyTls(bytes: Buffer): TlsState | undefined | 'malformed' {
  const values = readValues(bytes)
  if (values === undefined) return 'malformed'
  const ssl = values.get(typeSsl)
  if (ssl === undefined) return undefined
  const [flags = 0] = ssl
  const facts = ssl.length < sslHeadBytes ? undefined : readValues(ssl.subarray(sslHeadBytes))
  if (facts === undefined) return 'malformed'
  if ((flags & clientSsl) === 0) return undefined
  const servername = text(values.get(typeAuthority))
  return {
    protocol: text(facts.get(subtypeVersion)) ?? 'unknown',
    cipher: text(facts.get(subtypeCipher)) ?? 'unknown',
    ...(servername === undefined ? {} : { servername }),
  }
}

/** By type; @returns undefined where a value does not lie within its bytes */
function readValues(bytes: Buffer): ReadonlyMap<number, Buffer> | undefined {
  const values = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length;) {
    if (at + 3 > bytes.length) return undefined
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    if (end > bytes.length) return undefined
    values.set(bytes.readUInt8(at), bytes.subarray(at + 3, end))
    at = end
  }
  return values
}

/** It ends up in logs and trace fields: names of protocols, ciphers and hosts hold nothing else. */
function text(bytes: Buffer | undefined): string | undefined {
  const read = bytes?.toString('latin1') ?? ''
  return /^[\w.:-]{1,255}$/.test(read) ? read : undefined
}
