import type { Jobs } from '../runtime/jobs.ts'

/** What the job is given: the password as the client sent it, and what it is held against. */
export interface PasswordQuestion {
  readonly password: Uint8Array
  readonly hash: string
}

const job = new URL('./password-check.worker.ts', import.meta.url)

/**
 * Whether a password is that of a crypt(3) hash (DES, MD5, SHA-2, bcrypt, scrypt, yescrypt, Argon2). In a thread: a hash takes
 * milliseconds on purpose. What is no hash is nobody's.
 * @throws PosternError ABORTED, JOB_FAILED
 */
export function isPasswordOfHash(
  jobs: Jobs,
  { password, hash }: { readonly password: string; readonly hash: string },
  signal: AbortSignal,
): Promise<boolean> {
  const question: PasswordQuestion = { password: Buffer.from(password), hash }
  return jobs.run<PasswordQuestion, boolean>(job, question, signal)
}
