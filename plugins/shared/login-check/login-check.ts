/**
 * Is this the password of that record? A stranger is held against a hash too, one like those that users have: neither the
 * answer nor its time tells who exists, nor whose account is locked.
 */
import {
  authRecordRemedy,
  isPasswordOfHash,
  type AuthRecord,
  type Clock,
  type Jobs,
} from 'postern/plugin'

export interface LoginQuestion {
  /** The file or database that was asked: each has its own kind of hashes. */
  readonly source: object
  /** Absent: a stranger. */
  readonly record: AuthRecord | undefined
  readonly password: string
  /** Records of the source, to find out what its hashes look like; asked once. */
  readonly others: () => Iterable<AuthRecord>
}

/** Why not; `undefined`: it is them. */
export type LoginProblem = 'unknown user' | 'bad password' | 'password expired' | undefined

/** Of nobody's password, where nobody has a hash. */
const someHash = `$6$postern.$${'.'.repeat(86)}`
const looksAt = 100

export class LoginCheck {
  readonly #doors: { readonly clock: Clock; readonly jobs: Jobs }
  /** What strangers are held against: the last hash that somebody logged in with, at first any one that can be. */
  readonly #models = new WeakMap<object, string>()

  constructor(doors: { readonly clock: Clock; readonly jobs: Jobs }) {
    this.#doors = doors
  }

  /** @throws PosternError ABORTED, JOB_FAILED */
  async check(question: LoginQuestion, signal: AbortSignal): Promise<LoginProblem> {
    const { source, record, password } = question
    const real = record !== undefined && isUsable(record)
    const hash = real ? record.hash : this.#modelOf(question)
    const fits = await isPasswordOfHash(this.#doors.jobs, { password, hash }, signal)
    if (record === undefined) return 'unknown user'
    if (!real || !fits) return 'bad password'
    this.#models.set(source, hash)
    return isExpired(record, this.#doors.clock) ? 'password expired' : undefined
  }

  #modelOf({ source, others }: LoginQuestion): string {
    const known = this.#models.get(source) ?? firstHash(others())
    this.#models.set(source, known)
    return known
  }
}

/** Whether somebody could log in by it, now or before it expired. */
export function isUsable(record: AuthRecord): boolean {
  return !/^[*!]/.test(record.hash) && authRecordRemedy(record) === undefined
}

/** One that is no number is as a hash that is none: it lets nobody in. */
export function isExpired({ expiresAt }: AuthRecord, clock: Clock): boolean {
  return expiresAt !== undefined && !(clock.now() < expiresAt * 1000)
}

function firstHash(records: Iterable<AuthRecord>): string {
  let looked = 0
  for (const record of records) {
    if (isUsable(record)) return record.hash
    if (++looked === looksAt) break
  }
  return someHash
}
