/** The accounts of a configuration, for `postern user`: whether the gateway runs or not. */
import {
  authRecordRemedy,
  formatAuthRecord,
  parseAuthLines,
  readAuthRecord,
  type AuthRecord,
} from '../formats/auth-cdb.ts'
import { argon2idHash } from '../formats/crypt-hash/crypt-hash.ts'
import { formatScramSecret } from '../formats/scram-secret.ts'
import { asciiDomain } from '../mail/domain.ts'
import { PosternError } from '../mail/errors.ts'
import { scramIterations, scramKeys } from '../mail/login-secret.ts'
import type { Instant } from '../mail/instant.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import { formatQuota, parseQuota } from '../mail/quota.ts'
import {
  accountFlags,
  isAccountName,
  type Account,
  type AccountEntry,
  type Accounts,
} from '../runtime/accounts.ts'
import type { NameRange } from '../runtime/mail-domains.ts'
import { nodeAccounts } from '../runtime/node/accounts.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { readOffline } from './read-offline.ts'

/** @param config the configuration folder. @throws PosternError CONFIG_INVALID, and whatever `work` throws */
export async function withAccounts<T>(
  config: string,
  work: (accounts: Accounts) => Promise<T>,
): Promise<T> {
  const { path } = readOffline(config).accounts
  const accounts = nodeAccounts({ path, clock: systemClock })
  try {
    return await work(accounts)
  } finally {
    await accounts.close()
  }
}

/** A hundredth of a second for a client, and for who tries passwords on stolen keys. */
const saltBytes = 16

/** What is kept of a password: an Argon2id hash, and keys for SCRAM-SHA-256. */
export async function passwordKept(
  password: string,
): Promise<Pick<Account, 'passwordHash' | 'scram'>> {
  const salt = systemRandom.bytes(saltBytes)
  const keys = await scramKeys(password, { salt, iterations: scramIterations })
  return {
    passwordHash: argon2idHash(Buffer.from(password), systemRandom.bytes(saltBytes)),
    scram: formatScramSecret(keys),
  }
}

/** More than any client sends, and than crypt(3) takes. */
const longestPassword = 512

/** What is wrong with a password; nothing is for one that clients can send (RFC 4616 §2). */
export function passwordProblem(password: string): string | undefined {
  if (password === '') return 'the password is empty'
  if (password.includes('\0')) return 'the password holds a NUL'
  const tooLong = Buffer.byteLength(password) > longestPassword
  return tooLong ? `the password is longer than ${longestPassword} bytes` : undefined
}

/** @throws PosternError CONFIG_INVALID for what can be nobody's name */
export function checkName(user: string): void {
  if (isAccountName(user)) return
  throw new PosternError('CONFIG_INVALID', `${JSON.stringify(user)} cannot be a user: no blanks`)
}

const page = 500

/** All of them, in the order of their names. @param domain only users of this domain */
export function allAccounts(
  accounts: Accounts,
  domain?: string,
): AsyncGenerator<AccountEntry, void> {
  const only = domain === undefined ? {} : { domain: asciiDomain(domain) || domain }
  return pages(
    (range) => accounts.list({ ...range, ...only }),
    ({ user }) => user,
  )
}

/** Everything that a door lists, page by page. */
export async function* pages<T>(
  list: (range: NameRange) => MaybePromise<readonly T[]>,
  nameOf: (item: T) => string,
): AsyncGenerator<T, void> {
  let after = ''
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one page after the other
    const items = await list({ after, limit: page })
    yield* items
    const last = items.at(-1)
    if (last === undefined) return
    after = nameOf(last)
  }
}

/** What only mailboxes have stands among the variables of a line under these names. */
const quotaName = 'MAILBOX_QUOTA'
const flagsName = 'MAILBOX_FLAGS'

/** As lines of the text that the plugin `accounts` reads: there, an exclamation mark locks who may not log in. */
export function accountLine(account: Account): string {
  const { user, passwordHash, scram, variables, expiresAt, quota, flags } = account
  const record = formatAuthRecord({
    hash: flags?.has('no-login') === true ? `!${passwordHash}` : passwordHash,
    variables: new Map([
      ...variables,
      ...(quota === undefined ? [] : [[quotaName, formatQuota(quota)] as const]),
      ...(flags === undefined ? [] : [[flagsName, [...flags].join(' ')] as const]),
    ]),
    ...(scram === undefined ? {} : { scram }),
    ...(expiresAt === undefined ? {} : { expiresAt: Math.floor(expiresAt / 1000) }),
  })
  return `${user} ${record}`
}

/**
 * As lines of the file that Dovecot's passdb `passwd-file` reads: the same passwords for IMAP. Its crypt(3) knows no Argon2.
 * @returns undefined where the account may not log in
 */
export function dovecotLine(account: Account, now: Instant): string | undefined {
  const { user, passwordHash, expiresAt, flags } = account
  const isOver = expiresAt !== undefined && expiresAt <= now
  if (isOver || flags?.has('no-login') === true || !passwordHash.startsWith('$')) return undefined
  const [, argon] = /^\$(argon2id?)\$/.exec(passwordHash) ?? []
  // A colon ends a field there, and the end of a line an account: a dump may have brought either.
  if (/[:\s]/.test(user + passwordHash)) return undefined
  return `${user}:{${argon?.toUpperCase() ?? 'CRYPT'}}${passwordHash}`
}

export interface ImportedAccounts {
  readonly added: number
  readonly changed: number
  readonly mistakes: readonly string[]
}

/** Takes in such lines, in place of equal users; lines with a mistake are left out and told. */
export async function importAccounts(
  accounts: Accounts,
  text: string,
  told: (done: number, all: number) => void = () => undefined,
): Promise<ImportedAccounts> {
  const { entries, mistakes } = parseAuthLines(text)
  const wrong = mistakes.map(({ line, text: shown, remedy }) => `line ${line}: ${shown}: ${remedy}`)
  let added = 0
  let changed = 0
  for (const [index, [name, value]] of entries.entries()) {
    told(index, entries.length)
    const user = Buffer.from(name).toString()
    const record = readAuthRecord(value)
    if (authRecordRemedy(record) !== undefined) continue
    const { scram, expiresAt } = record
    if (!isAccountName(user)) {
      wrong.push(`${JSON.stringify(user)} cannot be a user`)
      continue
    }
    const account = {
      user,
      ...mailboxPart(record),
      ...(scram === undefined ? {} : { scram }),
      ...(expiresAt === undefined ? {} : { expiresAt: expiresAt * 1000 }),
    }
    // oxlint-disable-next-line no-await-in-loop -- one after the other: the last of two equal users counts
    if (await accounts.add(account)) added += 1
    // oxlint-disable-next-line no-await-in-loop -- as above
    else if (await accounts.change(account)) changed += 1
  }
  return { added, changed, mistakes: wrong }
}

function mailboxPart({
  hash,
  variables,
}: AuthRecord): Pick<Account, 'passwordHash' | 'variables' | 'quota' | 'flags'> {
  const words = variables.get(flagsName)?.split(' ') ?? []
  const flags = new Set(accountFlags.filter((flag) => words.includes(flag)))
  const quota = parseQuota(variables.get(quotaName) ?? '')
  const locked = flags.has('no-login') && hash.startsWith('!')
  return {
    passwordHash: locked ? hash.slice(1) : hash,
    variables: new Map([...variables].filter(([name]) => name !== quotaName && name !== flagsName)),
    ...(quota === undefined ? {} : { quota }),
    ...(flags.size === 0 ? {} : { flags }),
  }
}
