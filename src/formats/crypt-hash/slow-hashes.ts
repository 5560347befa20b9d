/** The hashes that are slow by design and come from libraries: bcrypt, scrypt, Argon2; and DES, which is neither. */
import { argon2Sync, scryptSync } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import { hashSync } from 'bcryptjs'
import desCrypt from 'unix-crypt-td-js'
import { cryptBase64 } from './crypt-base64.ts'

/** @param salt its two characters. @returns all 13 characters; only the first eight bytes count, and of each seven bits */
export function desHash(password: Uint8Array, salt: string): string {
  return desCrypt([...password.subarray(0, 8)], salt)
}

/** @param setting 29 characters, `$2b$12$` and the salt. @returns all 60; `undefined` for bytes that are no text */
export function bcryptHash(password: Uint8Array, setting: string): string | undefined {
  return isUtf8(password) ? hashSync(Buffer.from(password).toString(), setting) : undefined
}

export interface ScryptCost {
  /** A power of two. */
  readonly n: number
  readonly r: number
  readonly p: number
}

/** `$7$`. @returns the 43 characters after the salt */
export function scryptCrypt(password: Uint8Array, salt: Uint8Array, cost: ScryptCost): string {
  const { n, r, p } = cost
  const maxmem = 128 * r * (n + p + 2) + 1024
  return cryptBase64(scryptSync(password, salt, 32, { N: n, r, p, maxmem }))
}

export interface Argon2 {
  readonly algorithm: 'argon2d' | 'argon2i' | 'argon2id'
  readonly salt: Uint8Array
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
  readonly tagBytes: number
}

/** RFC 9106, version 1.3. @returns the tag */
export function argon2Tag(password: Uint8Array, parameters: Argon2): Buffer {
  const { algorithm, salt, memoryKiB, passes, lanes, tagBytes } = parameters
  return argon2Sync(algorithm, {
    message: password,
    nonce: salt,
    parallelism: lanes,
    tagLength: tagBytes,
    memory: memoryKiB,
    passes,
  })
}
