/** Passwords of those who log in here: Argon2id with its parameters, computed in a thread. */
import type { Jobs } from '../runtime/jobs.ts'
import type { Random } from '../runtime/random.ts'
import type { PasswordWork } from './password.worker.ts'

const job = new URL('./password.worker.ts', import.meta.url)
const saltBytes = 16
/** Of nobody: whoever is unknown must wait as long as whoever is known. */
const nobodysHash =
  '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

export class Passwords {
  readonly #jobs: Jobs
  readonly #random: Random

  constructor(jobs: Jobs, random: Random) {
    this.#jobs = jobs
    this.#random = random
  }

  /** @throws PosternError ABORTED, JOB_FAILED */
  async hash(password: string, signal: AbortSignal): Promise<string> {
    const salt = this.#random.bytes(saltBytes)
    const work = { what: 'hash', password: Buffer.from(password), salt } as const
    return String(await this.#jobs.run<PasswordWork, string | boolean>(job, work, signal))
  }

  /** @param hash absent: nobody's, which takes as long */
  async isRight(password: string, hash: string | undefined, signal: AbortSignal): Promise<boolean> {
    const bytes = Buffer.from(password)
    const work = { what: 'check', password: bytes, hash: hash ?? nobodysHash } as const
    const right = await this.#jobs.run<PasswordWork, string | boolean>(job, work, signal)
    return right === true && hash !== undefined
  }
}
