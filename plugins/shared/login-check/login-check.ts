/**
 * Is this the password of that record? A stranger is held against a hash too, one of those that users have, and always the
 * same one for the same name: neither the answer nor its time tells who exists, nor whose account is locked, also where
 * some hashes take longer than others.
 */
import { createHmac } from 'node:crypto'
import {
  authRecordRemedy,
  clientNetwork,
  isPasswordOfHash,
  type AuthRecord,
  type Clock,
  type Jobs,
  type MaybePromise,
} from 'postern/plugin'

export interface LoginQuestion {
  /** The file or database that was asked: each has its own kind of hashes. */
  readonly source: object
  /** Absent: a stranger. */
  readonly record: AuthRecord | undefined
  readonly password: string
  /** The name that was given. */
  readonly user: string
  /** Where the client is; absent: on this host. */
  readonly address?: string
  /** Records of the source, to find out what its hashes look like; asked once an hour. */
  readonly others: () => MaybePromise<Iterable<AuthRecord>>
}

/** Why not; `undefined`: it is them. */
export type LoginProblem = 'unknown user' | 'bad password' | 'password expired' | undefined

/** Of nobody's password, where nobody has a hash. */
const someHash = `$6$postern.$${'.'.repeat(86)}`
/** Records that are looked at. */
const looksAt = 100
const modelsHoldMs = 3_600_000

interface Models {
  readonly hashes: readonly string[]
  readonly until: number
}

export class LoginCheck {
  readonly #doors: { readonly clock: Clock; readonly jobs: Jobs }
  readonly #models = new WeakMap<object, Models>()

  constructor(doors: { readonly clock: Clock; readonly jobs: Jobs }) {
    this.#doors = doors
  }

  /** @throws PosternError ABORTED, JOB_FAILED */
  async check(question: LoginQuestion, signal: AbortSignal): Promise<LoginProblem> {
    const { record, password, address = '' } = question
    const real = record !== undefined && isUsable(record)
    const hash = real ? record.hash : await this.#modelFor(question)
    // Whoever floods us with logins waits behind himself.
    const whose = clientNetwork(address) ?? 'local'
    const fits = await isPasswordOfHash(this.#doors.jobs, { password, hash, whose }, signal)
    if (record === undefined) return 'unknown user'
    if (!real || !fits) return 'bad password'
    return isExpired(record, this.#doors.clock) ? 'password expired' : undefined
  }

  async #modelFor({ source, user, others }: LoginQuestion): Promise<string> {
    const now = this.#doors.clock.now()
    let models = this.#models.get(source)
    if (models === undefined || now >= models.until) {
      models = { hashes: someHashes(await others()), until: now + modelsHoldMs }
      this.#models.set(source, models)
    }
    return oneFor(user, models.hashes) ?? someHash
  }
}

/** The hashes are the key: nobody outside has them, and every worker has the same. */
function oneFor(user: string, hashes: readonly string[]): string | undefined {
  const digest = createHmac('sha256', hashes.join('\n')).update(user).digest()
  return hashes[digest.readUInt32BE() % hashes.length]
}

/** Whether somebody could log in by it, now or before it expired. */
export function isUsable(record: AuthRecord): boolean {
  return !/^[*!]/.test(record.hash) && authRecordRemedy(record) === undefined
}

/** One that is no number is as a hash that is none: it lets nobody in. */
export function isExpired({ expiresAt }: AuthRecord, clock: Clock): boolean {
  return expiresAt !== undefined && !(clock.now() < expiresAt * 1000)
}

function someHashes(records: Iterable<AuthRecord>): readonly string[] {
  const hashes: string[] = []
  let looked = 0
  for (const record of records) {
    if (isUsable(record)) hashes.push(record.hash)
    if (++looked === looksAt) break
  }
  return hashes
}
