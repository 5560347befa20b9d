import type { ScramKeys } from '../mail/login-secret.ts'

/** `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, in base 64: RFC 5803 as PostgreSQL writes it. */
const secret =
  /^SCRAM-SHA-256\$(\d{4,7}):([A-Za-z0-9+/=]{4,344})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/

/** RFC 7677 §4 asks for the first; the second keeps a mistake from holding up clients. */
const fewestIterations = 4_096
const mostIterations = 1_000_000

export function formatScramSecret({ salt, iterations, storedKey, serverKey }: ScramKeys): string {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  return `SCRAM-SHA-256$${iterations}:${text(salt)}$${text(storedKey)}:${text(serverKey)}`
}

/** @returns undefined for what is none */
export function parseScramSecret(text: string): ScramKeys | undefined {
  const [, written, ...parts] = secret.exec(text) ?? []
  const iterations = Number(written)
  const [salt, storedKey, serverKey] = parts.map((part) => Buffer.from(part, 'base64'))
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return undefined
  if (salt.length === 0 || !(iterations >= fewestIterations && iterations <= mostIterations)) {
    return undefined
  }
  return { salt, iterations, storedKey, serverKey }
}
