import { argon2idHash, isPasswordOfHash } from '../formats/crypt-hash/crypt-hash.ts'
import type { Job } from '../runtime/jobs.ts'

/** To hash a password, or to hold it against a hash. */
export type PasswordWork =
  | { readonly what: 'hash'; readonly password: Uint8Array; readonly salt: Uint8Array }
  | { readonly what: 'check'; readonly password: Uint8Array; readonly hash: string }

export const job: Job<PasswordWork, string | boolean> = (work) =>
  work.what === 'hash'
    ? argon2idHash(Buffer.from(work.password), work.salt)
    : isPasswordOfHash(Buffer.from(work.password), work.hash)
