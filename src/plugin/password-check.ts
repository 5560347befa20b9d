import type { Jobs } from '../runtime/jobs.ts'

/** What the job is given: the password as the client sent it, and what it is held against. */
export interface PasswordQuestion {
  readonly password: Uint8Array
  readonly hash: string
}

export interface PasswordCheck {
  readonly password: string
  readonly hash: string
  /** Who asks, best the network of the client: of many checks that wait, each of them has its turn. */
  readonly whose?: string
}

const job = new URL('./password-check.worker.ts', import.meta.url)

/**
 * Whether a password is that of a crypt(3) hash (DES, MD5, SHA-2, bcrypt, scrypt, yescrypt, Argon2). In a thread: a hash takes
 * milliseconds on purpose. What is no hash is nobody's.
 * @throws PosternError ABORTED, JOB_FAILED
 */
export function isPasswordOfHash(
  jobs: Jobs,
  { password, hash, whose }: PasswordCheck,
  signal: AbortSignal,
): Promise<boolean> {
  const question: PasswordQuestion = { password: Buffer.from(password), hash }
  return jobs.run<PasswordQuestion, boolean>(job, question, signal, whose)
}
