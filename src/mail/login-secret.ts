/**
 * What a back end may know of a user's password, and what follows from it: SCRAM-SHA-256 (RFC 5802, RFC 7677) and
 * CRAM-MD5 (RFC 2195). Comparisons take the same time whatever they compare.
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { saslprep } from './saslprep.ts'

/** For SCRAM-SHA-256 alone: with these nobody can log in, nor compute the password but by guessing. */
export interface ScramKeys {
  readonly salt: Uint8Array
  /** 4096 at least (RFC 7677 §4). */
  readonly iterations: number
  /** 32 bytes each. */
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** The password itself. */
export interface PlainSecret {
  readonly password: string
}

export type LoginSecret = ScramKeys | PlainSecret

/** What a login brings: variables that stand above those of tcp.smtp from the next command on. */
export type LoginVariables = ReadonlyMap<string, string>

/** A login that a back end knows, and what it brings. */
export interface LoginGrant {
  readonly variables?: LoginVariables
  /** Who it is, by the one name that the back end has for them; absent: the name that was given. */
  readonly user?: string
}

/** Whether something is what a login brings. */
export function isLoginGrant(value: unknown): value is LoginGrant {
  if (typeof value !== 'object' || value === null) return false
  const variables = 'variables' in value ? value.variables : undefined
  const user = 'user' in value ? value.user : undefined
  if (user !== undefined && (typeof user !== 'string' || user === '')) return false
  if (variables === undefined) return true
  return (
    variables instanceof Map &&
    [...variables].every((pair) => pair.every((text: unknown) => typeof text === 'string'))
  )
}

/** Of the keys that we make. */
export const scramIterations = 30_000

/** RFC 7677 §4 asks for the first; the second keeps a mistake from holding up every login. */
const fewestIterations = 4_096
const mostIterations = 1_000_000

/** Whether something is a secret that a login can be held against. */
export function isLoginSecret(value: unknown): value is LoginSecret {
  if (typeof value !== 'object' || value === null) return false
  if ('password' in value) return typeof value.password === 'string' && value.password !== ''
  const isKey = (key: unknown): boolean => key instanceof Uint8Array && key.length === 32
  return (
    'salt' in value &&
    value.salt instanceof Uint8Array &&
    value.salt.length > 0 &&
    value.salt.length <= 256 &&
    'iterations' in value &&
    Number.isInteger(value.iterations) &&
    Number(value.iterations) >= fewestIterations &&
    Number(value.iterations) <= mostIterations &&
    'storedKey' in value &&
    isKey(value.storedKey) &&
    'serverKey' in value &&
    isKey(value.serverKey)
  )
}

/**
 * What to store of a password (RFC 5802 §3). Off the main thread: it takes milliseconds on purpose.
 * A password that SASLprep does not allow is taken as it is, as clients do that know no SASLprep.
 */
export async function scramKeys(
  password: string,
  { salt, iterations }: Pick<ScramKeys, 'salt' | 'iterations'>,
): Promise<ScramKeys> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  pbkdf2(saslprep(password) ?? password, salt, iterations, 32, 'sha256', (error, key) => {
    if (error === null) resolve(key)
    else reject(error)
  })
  const salted = await promise
  return {
    salt,
    iterations,
    storedKey: sha256(hmacSha256(salted, 'Client Key')),
    serverKey: hmacSha256(salted, 'Server Key'),
  }
}

/** Whether a password is that of the secret. */
export async function isPasswordOf(secret: LoginSecret, password: string): Promise<boolean> {
  if ('password' in secret) {
    return sameText(saslprep(secret.password) ?? secret.password, saslprep(password) ?? password)
  }
  const { storedKey } = await scramKeys(password, secret)
  return timingSafeEqual(storedKey, secret.storedKey)
}

/** Whether a digest is the answer of somebody who knows the password (RFC 2195 §2): for `checkResponse` of a back end. */
export function isCramMd5Digest(
  password: string,
  { challenge, digest }: { readonly challenge: string; readonly digest: string },
): boolean {
  return sameText(createHmac('md5', password).update(challenge).digest('hex'), digest)
}

/** The same for APOP (RFC 1939 §7): for `checkApop` of a back end. */
export function isApopDigest(
  password: string,
  { challenge, digest }: { readonly challenge: string; readonly digest: string },
): boolean {
  return sameText(createHash('md5').update(challenge).update(password).digest('hex'), digest)
}

export function hmacSha256(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** Digests are compared: how much of a text is right does not show, nor how long it is. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(sha256(Buffer.from(a)), sha256(Buffer.from(b)))
}
