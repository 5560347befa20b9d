/**
 * Logins by auth.cdb, as qmail-smtpd with the JMS patch has them: the user exactly as typed is the key, the value a
 * crypt(3) hash and variables for this user. A stranger is held against a hash too, like those in the file: neither the
 * answer nor its time tells who exists.
 */
import {
  authRecordRemedy,
  definePlugin,
  isPasswordOfHash,
  option,
  readAuthRecord,
  type AuthRecord,
  type CdbTable,
  type Clock,
  type Doubt,
} from 'postern/plugin'

export const authCdb = definePlugin({
  name: 'auth-cdb',
  summary: 'Logins by auth.cdb, with hashes of crypt(3).',
  options: {
    cdb: option.cdb({
      default: 'control/auth.cdb',
      env: 'AUTH_CDB',
      description: 'As mkauth makes it; read by position, reopened when replaced.',
    }),
  },
  setup({ cdb }, { clock, jobs, log }) {
    const models = new Models()
    return {
      async verify({ session, user, password }, { options, signal }) {
        const table = options.cdb
        if (!table.present) throw new Error(`${table.path} is not there`)
        const value = table.get(user)
        const record = value && readAuthRecord(value)
        const real = record !== undefined && isUsable(record)
        const hash = real ? record.hash : models.hashFor(table)
        const fits = await isPasswordOfHash(jobs, { password, hash }, signal)
        const because = reasonAgainst(record, real && fits, clock)
        const said = { address: session.remote.address, user: user.slice(0, 256) }
        if (record === undefined || because !== undefined) {
          log.info('auth-cdb.failed', { ...said, because: because ?? 'unknown user' })
          return false
        }
        models.saw(table, record)
        log.info('auth-cdb.successful', said)
        return { variables: record.variables }
      },
      check: () => doubtsAbout(cdb),
    }
  },
})

function reasonAgainst(
  record: AuthRecord | undefined,
  fits: boolean,
  clock: Clock,
): string | undefined {
  if (record === undefined) return 'unknown user'
  if (!fits) return 'bad password'
  const { expiresAt } = record
  // One that is no number is as a hash that is none: it lets nobody in.
  const expired = expiresAt !== undefined && !(clock.now() < expiresAt * 1000)
  return expired ? 'password expired' : undefined
}

/** What strangers are held against: in each file the last hash that somebody logged in with, at first any one that can be. */
class Models {
  readonly #hashes = new WeakMap<CdbTable, string>()

  saw(table: CdbTable, { hash }: AuthRecord): void {
    this.#hashes.set(table, hash)
  }

  hashFor(table: CdbTable): string {
    const known = this.#hashes.get(table) ?? firstHash(table)
    this.#hashes.set(table, known)
    return known
  }
}

/** Of nobody's password, where a file has no hash at all. */
const someHash = `$6$postern.$${'.'.repeat(86)}`
const looksAt = 100

function firstHash(table: CdbTable): string {
  let looked = 0
  for (const [, value] of table.entries()) {
    const record = readAuthRecord(value)
    if (isUsable(record)) return record.hash
    if (++looked === looksAt) break
  }
  return someHash
}

/** Whether somebody could log in by it. */
function isUsable(record: AuthRecord): boolean {
  return !/^[*!]/.test(record.hash) && authRecordRemedy(record) === undefined
}

const longestCheck = 100_000
const mostNamed = 5

function doubtsAbout(cdb: CdbTable): readonly Doubt[] {
  const doubt = (problem: string, remedy: string): Doubt => ({ option: 'cdb', problem, remedy })
  if (!cdb.present) {
    return [doubt(`${cdb.path} is not there: every login is deferred`, 'make it: postern mkauth')]
  }
  const remedies = new Map<string, string[]>()
  let looked = 0
  try {
    for (const [key, value] of cdb.entries()) {
      const remedy = authRecordRemedy(readAuthRecord(value))
      if (remedy !== undefined) {
        const users = remedies.get(remedy) ?? []
        remedies.set(remedy, [...users.slice(0, mostNamed), Buffer.from(key).toString()])
      }
      if (++looked === longestCheck) break
    }
  } catch (error) {
    const problem = `${cdb.path} cannot be read (${String(error)}): every login is deferred`
    return [doubt(problem, 'make it anew: postern mkauth -c')]
  }
  return [...remedies].map(([remedy, users]) => {
    const more = users.length > mostNamed ? ' and others' : ''
    const named = users.slice(0, mostNamed).join(', ')
    return doubt(`nobody can log in as ${named}${more}`, remedy)
  })
}
