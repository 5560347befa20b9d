/**
 * Is this the password of that hash? Computing it takes as long as its author wished, up to `costLimits`, and blocks:
 * only in a job. Nothing here throws; whatever is no hash, or cannot be computed, is nobody's.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { md5Crypt } from './md5-crypt.ts'
import { readCryptHash, type CryptHash } from './read-crypt-hash.ts'
import { cryptBase64 } from './crypt-base64.ts'
import { shaCrypt } from './sha-crypt.ts'
import { argon2Tag, bcryptHash, desHash, scryptCrypt, type Argon2 } from './slow-hashes.ts'
import { yescrypt } from './yescrypt.ts'

/** More than crypt(3) takes; what is longer is no password. */
const longestPassword = 512

/** @param password bytes, as the client sent them; one that holds a NUL is nobody's, for C ends there */
export function isPasswordOfHash(password: Uint8Array, text: string): boolean {
  const reading = readCryptHash(text)
  if (!reading.ok || password.length > longestPassword || password.includes(0)) return false
  const { hash } = reading
  if (hash.kind === 'argon2') return sameBytes(argon2Tag(password, hash.parameters), hash.tag)
  const computed = compute(password, hash)
  return computed !== undefined && sameBytes(Buffer.from(computed), Buffer.from(hash.written))
}

function compute(
  password: Uint8Array,
  hash: Exclude<CryptHash, { kind: 'argon2' }>,
): string | undefined {
  switch (hash.kind) {
    case 'des':
      return desHash(password, hash.salt)
    case 'md5':
      return md5Crypt(password, hash.salt)
    case 'sha256':
    case 'sha512':
      return shaCrypt(password, hash)
    case 'bcrypt':
      return bcryptHash(password, hash.setting)
    case 'yescrypt':
      return cryptBase64(yescrypt(password, hash.cost))
    case 'scrypt':
      return scryptCrypt(password, hash.salt, hash.cost)
  }
}

/** What OWASP asks for at least: a mail client logs in for each message, and several threads compute at once. */
const preferred = {
  algorithm: 'argon2id',
  memoryKiB: 19_456,
  passes: 2,
  lanes: 1,
  tagBytes: 32,
} as const

/** A hash to store: Argon2id. Blocks for some hundredths of a second. @param salt 16 random bytes */
export function argon2idHash(password: Uint8Array, salt: Uint8Array): string {
  const parameters: Argon2 = { ...preferred, salt }
  const { memoryKiB, passes, lanes } = parameters
  const text = (bytes: Uint8Array): string =>
    Buffer.from(bytes).toString('base64').replaceAll('=', '')
  const tag = argon2Tag(password, parameters)
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${text(salt)}$${text(tag)}`
}

/** In a time that tells nothing of what is right. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
  return timingSafeEqual(digest(a), digest(b))
}
