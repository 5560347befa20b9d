/**
 * Accounts in an SQLite file of their own (synchronous=FULL). Read where it is asked: one row by its key takes
 * microseconds. The file may be missing, which means nobody, or be replaced: so it has a rollback journal, for a WAL left
 * beside it would be taken for that of the new file.
 */
import { statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { PosternError } from '../../mail/errors.ts'
import { formatQuota, parseQuota } from '../../mail/quota.ts'
import {
  accountDomain,
  accountFlags,
  accountKey,
  type Account,
  type AccountEntry,
  type Accounts,
} from '../accounts.ts'
import type { Clock } from '../clock.ts'
import type { DomainAlias, MailAlias, MailDomain } from '../../mail/mail-domain.ts'
import type { NameRange } from '../mail-domains.ts'
import { MailDomainTables } from './accounts-domains.ts'
import { accountsSchema } from './accounts-schema.ts'
import { makeOwnFile } from './own-file.ts'
import { RememberedAnswers } from './remembered-answers.ts'
import { hasAllSteps, takeSteps } from './schema-steps.ts'

export interface AccountsParts {
  readonly path: string
  readonly clock: Pick<Clock, 'now'>
  /** How long a question waits, without anything else being done, for somebody who writes; 5,000 where nothing is said. */
  readonly busyMs?: number
  /** Nothing is written, whatever the file is: one of an older schema knows nobody. Only to be asked, then. */
  readonly readOnly?: boolean
}

/** Opens nothing yet. */
export function nodeAccounts(parts: AccountsParts): Accounts {
  return new SqliteAccounts(parts)
}

interface Open {
  readonly database: DatabaseSync
  /** Which file it is: another one may have come in its place. */
  readonly inode: number
  readonly find: StatementSync
  readonly list: StatementSync
  readonly listOfDomain: StatementSync
  readonly add: StatementSync
  readonly change: StatementSync
  readonly remove: StatementSync
  readonly domains: MailDomainTables
  readonly remembered: RememberedAnswers
}

/** Two writers wait for each other so long. */
const writersMs = 5_000

type Range = NameRange & { readonly domain?: string }

class SqliteAccounts implements Accounts {
  readonly #parts: AccountsParts
  #open: Open | undefined
  /** Asked in this turn of the event loop, whether the file is still that one: one message asks for each recipient. */
  #looked = false

  constructor(parts: AccountsParts) {
    this.#parts = parts
  }

  find(user: string): AccountEntry | undefined {
    const key = accountKey(user)
    return this.#ask(`user ${key}`, ({ find }) => {
      const row = find.get(key)
      return row === undefined ? undefined : entryOf(row)
    })
  }

  list({ after = '', limit, domain }: Range) {
    return this.#attempt(() => {
      const open = this.#existing()
      const rows =
        domain === undefined
          ? open?.list.all(accountKey(after), limit)
          : open?.listOfDomain.all(accountKey(domain), accountKey(after), limit)
      return (rows ?? []).map((row) => entryOf(row))
    })
  }

  findDomain(name: string): MailDomain | undefined {
    return this.#ask(`domain ${name}`, ({ domains }) => domains.find(name))
  }

  listDomains(range: NameRange): readonly MailDomain[] {
    return this.#attempt(() => this.#existing()?.domains.list(range) ?? [])
  }

  findDomainAlias(name: string): DomainAlias | undefined {
    return this.#ask(`domain-alias ${name}`, ({ domains }) => domains.findDomainAlias(name))
  }

  listDomainAliases(range: Range): readonly DomainAlias[] {
    return this.#attempt(() => this.#existing()?.domains.listDomainAliases(range) ?? [])
  }

  findAlias(address: string): MailAlias | undefined {
    return this.#ask(`alias ${address}`, ({ domains }) => domains.findAlias(address))
  }

  listAliases(range: Range): readonly MailAlias[] {
    return this.#attempt(() => this.#existing()?.domains.listAliases(range) ?? [])
  }

  async putDomain(domain: MailDomain): Promise<void> {
    this.#attempt(() => this.#made()?.domains.put(domain))
  }

  async removeDomain(name: string): Promise<boolean> {
    return this.#attempt(() => this.#existing()?.domains.remove(name) === true)
  }

  async putDomainAlias(alias: DomainAlias): Promise<void> {
    this.#attempt(() => this.#made()?.domains.putDomainAlias(alias))
  }

  async removeDomainAlias(name: string): Promise<boolean> {
    return this.#attempt(() => this.#existing()?.domains.removeDomainAlias(name) === true)
  }

  async putAlias(alias: MailAlias): Promise<void> {
    this.#attempt(() => this.#made()?.domains.putAlias(alias))
  }

  async removeAlias(address: string): Promise<boolean> {
    return this.#attempt(() => this.#existing()?.domains.removeAlias(address) === true)
  }

  async add(account: Account): Promise<boolean> {
    const now = this.#parts.clock.now()
    return this.#write('add', { ...columnsOf(account), created_at: now, changed_at: now })
  }

  async change(account: Account): Promise<boolean> {
    return this.#write('change', { ...columnsOf(account), changed_at: this.#parts.clock.now() })
  }

  async remove(user: string): Promise<boolean> {
    return this.#write('remove', { user: accountKey(user) })
  }

  async close(): Promise<void> {
    this.#closeFile()
  }

  #closeFile(): void {
    this.#open?.remembered.close()
    this.#open?.database.close()
    this.#open = undefined
    this.#looked = false
  }

  /** What mail is asked for with every recipient. */
  #ask<T>(key: string, ask: (open: Open) => T | undefined): T | undefined {
    return this.#attempt(() => {
      const open = this.#existing()
      return open?.remembered.get(key, () => ask(open))
    })
  }

  /** @returns whether anything was there to be changed */
  #write(what: 'add' | 'change' | 'remove', columns: Columns): boolean {
    return this.#attempt(() => {
      const open = what === 'add' ? this.#made() : this.#existing()
      return open?.[what].run(columns).changes === 1
    })
  }

  /** The file, made where there is none. */
  #made(): Open | undefined {
    // It holds password hashes: nobody else may read it, nor what SQLite writes beside it.
    makeOwnFile(this.#parts.path)
    this.#looked = false
    return this.#existing()
  }

  /** @returns undefined where there is no file */
  #existing(): Open | undefined {
    if (this.#looked) return this.#open
    const inode = statSync(this.#parts.path, { throwIfNoEntry: false })?.ino
    if (this.#open !== undefined && this.#open.inode !== inode) this.#closeFile()
    if (inode !== undefined) this.#open ??= openFile(this.#parts, inode)
    this.#looked = true
    setImmediate(() => void (this.#looked = false))
    return this.#open
  }

  #attempt<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      throw new PosternError('ACCOUNTS_FAILED', `${this.#parts.path}: ${String(cause)}`, { cause })
    }
  }
}

/** @throws Error of SQLite */
function openDatabase({ path, busyMs = writersMs, readOnly = false }: AccountsParts): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: busyMs, readOnly })
  try {
    if (!readOnly) {
      database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL')
      takeSteps(database, accountsSchema)
      return database
    }
    if (hasAllSteps(database, accountsSchema)) return database
  } catch (error) {
    database.close()
    throw error
  }
  database.close()
  const empty = new DatabaseSync(':memory:')
  takeSteps(empty, accountsSchema)
  return empty
}

function openFile(parts: AccountsParts, inode: number): Open {
  const database = openDatabase(parts)
  try {
    const names = [
      'user',
      'password_hash',
      'scram',
      'variables',
      'expires_at',
      'quota',
      'flags',
      'domain',
      'changed_at',
    ]
    const changed = names.slice(1).map((name) => `${name} = :${name}`)
    const added = [...names, 'created_at']
    return {
      database,
      inode,
      find: database.prepare('SELECT * FROM accounts WHERE user = ?'),
      list: database.prepare('SELECT * FROM accounts WHERE user > ? ORDER BY user LIMIT ?'),
      listOfDomain: database.prepare(
        'SELECT * FROM accounts WHERE domain = ? AND user > ? ORDER BY user LIMIT ?',
      ),
      add: database.prepare(
        `INSERT INTO accounts (${added.join()}) VALUES (${added.map((name) => `:${name}`).join()})
          ON CONFLICT (user) DO NOTHING`,
      ),
      change: database.prepare(`UPDATE accounts SET ${changed.join()} WHERE user = :user`),
      remove: database.prepare('DELETE FROM accounts WHERE user = :user'),
      domains: new MailDomainTables(database),
      remembered: new RememberedAnswers(parts.path),
    }
  } catch (error) {
    database.close()
    throw error
  }
}

type Columns = Readonly<Record<string, string | number | null>>

function columnsOf(account: Account): Columns {
  const { user, passwordHash, scram, variables, expiresAt, quota, flags = [] } = account
  return {
    user: accountKey(user),
    password_hash: passwordHash,
    scram: scram ?? null,
    variables: JSON.stringify([...variables]),
    expires_at: expiresAt ?? null,
    quota: quota === undefined ? null : formatQuota(quota),
    flags: [...flags].toSorted().join(' '),
    domain: accountDomain(user) ?? '',
  }
}

type Row = ReturnType<StatementSync['get']> & object

function entryOf(row: Row): AccountEntry {
  const { scram, expires_at: expiresAt } = row
  const quota = typeof row['quota'] === 'string' ? parseQuota(row['quota']) : undefined
  const words = String(row['flags']).split(' ')
  const flags = accountFlags.filter((flag) => words.includes(flag))
  return {
    user: String(row['user']),
    passwordHash: String(row['password_hash']),
    ...(typeof scram === 'string' ? { scram } : {}),
    variables: new Map(variablesOf(String(row['variables']))),
    ...(typeof expiresAt === 'number' ? { expiresAt } : {}),
    ...(quota === undefined ? {} : { quota }),
    ...(flags.length === 0 ? {} : { flags: new Set(flags) }),
    createdAt: Number(row['created_at']),
    changedAt: Number(row['changed_at']),
  }
}

function variablesOf(text: string): readonly (readonly [string, string])[] {
  const pairs: unknown = JSON.parse(text)
  if (!Array.isArray(pairs)) return []
  return pairs.map((pair: unknown) => {
    const [name, value]: readonly unknown[] = Array.isArray(pair) ? pair : []
    return [String(name), String(value)]
  })
}
