/**
 * Logins of our own accounts: those that `postern user` keeps, and the same as text. Whoever has keys for it may log in by
 * SCRAM-SHA-256, and their password is never heard. A change counts from the next login on.
 */
import {
  accountKey,
  authRecordRemedy,
  definePlugin,
  findLogin,
  option,
  parseAuthLines,
  parseScramSecret,
  readAuthRecord,
  type Account,
  type AccountReader,
  type AuthRecord,
  type Doubt,
  type Live,
  type LoginName,
  type Session,
} from 'postern/plugin'
import { isExpired, isUsable, LoginCheck } from '../shared/login-check/login-check.ts'

export const accounts = definePlugin({
  name: 'accounts',
  summary: 'Logins by the accounts of `postern user`, and by a text file.',
  options: {
    file: option.file({
      default: 'tables/accounts',
      description: 'Accounts as text: user, blank, password hash and variables, one a line.',
    }),
    scram: option.boolean({
      default: true,
      description: 'Offer SCRAM-SHA-256; who has no keys for it cannot log in by it.',
    }),
  },
  setup({ file, scram }, doors) {
    const logins = new LoginCheck(doors)
    const text = file.follow(readAccounts)
    /** By the user's own name too, where the login was written in another domain's or in other letters. */
    const find = async ({ session, user: login }: LoginName): Promise<Found> => {
      const account = await findLogin(doors.accounts, login)
      if (account !== undefined) return { record: usableOf(account, session), user: account.user }
      return { record: text.current.get(accountKey(login)), user: login }
    }
    return {
      async verify(credentials, { signal }) {
        const { session, user: given, password } = credentials
        const { record, user } = await find(credentials)
        const others = (): Promise<AuthRecord[]> => someRecords(doors.accounts, text)
        const { address } = session.remote
        const key = accountKey(given)
        const question = { source: text, record, user: key, password, address, others }
        const problem = await logins.check(question, signal)
        if (problem === undefined) return { variables: record?.variables ?? new Map(), user }
        const said = { session: session.id, address, user: given.slice(0, 256) }
        doors.log.info('accounts.failed', { ...said, because: problem })
        return false
      },
      ...(scram
        ? {
            async secretFor(login) {
              const { record, user } = await find(login)
              if (record === undefined || !isUsable(record)) return undefined
              if (record.scram === undefined || isExpired(record, doors.clock)) return undefined
              const keys = parseScramSecret(record.scram)
              return keys && { ...keys, variables: record.variables, user }
            },
          }
        : {}),
      check: async () => [
        ...doubtsAbout(await firstAccounts(doors.accounts), { scram }),
        ...doubtsAbout(text.current, { scram, option: 'file' }),
      ],
    }
  },
})

interface Found {
  readonly record: AuthRecord | undefined
  readonly user: string
}

type Records = ReadonlyMap<string, AuthRecord>

/** The first line of a user counts, as the first record of a cdb does. */
function readAccounts(bytes: Uint8Array | undefined): Records {
  const records = new Map<string, AuthRecord>()
  for (const [user, value] of parseAuthLines(Buffer.from(bytes ?? []).toString()).entries) {
    const key = accountKey(Buffer.from(user).toString())
    if (!records.has(key)) records.set(key, readAuthRecord(value))
  }
  return records
}

/** Who may not log in, or not to send, has a hash of no password. Who may not fetch mail finds no mailbox. */
function usableOf(account: Account, { protocol }: Session): AuthRecord {
  const { flags } = account
  const record = recordOf(account)
  const isToSend = protocol !== 'pop3'
  const barred = flags?.has('no-login') === true || (isToSend && flags?.has('no-smtp') === true)
  return barred ? { ...record, hash: `!${record.hash}` } : record
}

function recordOf({ passwordHash, scram, variables, expiresAt }: Account): AuthRecord {
  return {
    hash: passwordHash,
    variables,
    ...(scram === undefined ? {} : { scram }),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt / 1000 }),
  }
}

const looksAt = 1000
const modelsOfEach = 50

async function firstAccounts(door: AccountReader): Promise<Records> {
  const found = await door.list({ limit: looksAt })
  return new Map(found.map((account) => [account.user, recordOf(account)]))
}

/** For what strangers are held against; of both, where there are both. */
async function someRecords(door: AccountReader, text: Live<Records>): Promise<AuthRecord[]> {
  const accounts = await door.list({ limit: modelsOfEach })
  return [...accounts.map(recordOf), ...text.current.values().take(modelsOfEach)]
}

const mostNamed = 5

function doubtsAbout(
  records: Records,
  { scram, option: about }: { readonly scram: boolean; readonly option?: string },
): readonly Doubt[] {
  const doubts = new Map<string, { readonly remedy: string; readonly users: string[] }>()
  const note = (problem: string, remedy: string, user: string): void => {
    const users = doubts.get(problem)?.users ?? []
    doubts.set(problem, { remedy, users: [...users.slice(0, mostNamed), user] })
  }
  for (const [user, record] of records) {
    const remedy = authRecordRemedy(record)
    const keys = record.scram === undefined ? undefined : parseScramSecret(record.scram)
    if (remedy !== undefined) note('nobody can log in as', remedy, user)
    else if (scram && keys === undefined && isUsable(record)) {
      const remedy = 'set the password anew with postern user passwd, or write scram: false'
      note('SCRAM-SHA-256, which clients prefer, cannot be answered for', remedy, user)
    }
  }
  return [...doubts].map(([problem, { remedy, users }]) => {
    const more = users.length > mostNamed ? ' and others' : ''
    const named = users.slice(0, mostNamed).join(', ')
    return {
      ...(about === undefined ? {} : { option: about }),
      problem: `${problem} ${named}${more}`,
      remedy,
    }
  })
}
