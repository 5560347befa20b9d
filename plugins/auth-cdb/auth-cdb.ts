/**
 * Logins by auth.cdb, as qmail-smtpd with the JMS patch has them: the user exactly as typed is the key, the value a
 * crypt(3) hash and variables for this user. A stranger is held against a hash too, like those in the file: neither the
 * answer nor its time tells who exists.
 */
import {
  authRecordRemedy,
  definePlugin,
  option,
  readAuthRecord,
  type AuthRecord,
  type CdbTable,
  type Doubt,
} from 'postern/plugin'
import { LoginCheck } from '../shared/login-check/login-check.ts'

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
  setup({ cdb }, doors) {
    const logins = new LoginCheck(doors)
    return {
      async verify({ session, user, password }, { options, signal }) {
        const table = options.cdb
        if (!table.present) throw new Error(`${table.path} is not there`)
        const value = table.get(user)
        const record = value && readAuthRecord(value)
        const others = (): Iterable<AuthRecord> => recordsOf(table)
        const { address } = session.remote
        const question = { source: table, record, user, password, address, others }
        const problem = await logins.check(question, signal)
        if (problem === undefined) return { variables: record?.variables ?? new Map() }
        const said = { session: session.id, address, user: user.slice(0, 256) }
        doors.log.info('auth-cdb.failed', { ...said, because: problem })
        return false
      },
      check: () => doubtsAbout(cdb),
      async probe() {
        if (!cdb.present) throw new Error(`${cdb.path} is not there; make it: postern mkauth`)
        return `${cdb.path} is there`
      },
    }
  },
})

function* recordsOf(table: CdbTable): Generator<AuthRecord, void> {
  for (const [, value] of table.entries()) yield readAuthRecord(value)
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
