/**
 * Accounts in an SQLite file of their own (synchronous=FULL). Read where it is asked: one row by its key takes
 * microseconds. The file may be missing, which means nobody, or be replaced: so it has a rollback journal, for a WAL left
 * beside it would be taken for that of the new file.
 */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { PosternError } from '../../mail/errors.ts'
import { accountKey, type Account, type AccountEntry, type Accounts } from '../accounts.ts'
import type { Clock } from '../clock.ts'
import { updateAccountsSchema } from './accounts-schema.ts'

export interface AccountsParts {
  readonly path: string
  readonly clock: Pick<Clock, 'now'>
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
  readonly add: StatementSync
  readonly change: StatementSync
  readonly remove: StatementSync
}

/** Two writers wait for each other so long. */
const busyMs = 5_000

class SqliteAccounts implements Accounts {
  readonly #parts: AccountsParts
  #open: Open | undefined

  constructor(parts: AccountsParts) {
    this.#parts = parts
  }

  find(user: string): AccountEntry | undefined {
    return this.#attempt(() => {
      const row = this.#existing()?.find.get(accountKey(user))
      return row === undefined ? undefined : entryOf(row)
    })
  }

  list({ after = '', limit }: { readonly after?: string; readonly limit: number }) {
    return this.#attempt(() => {
      const rows = this.#existing()?.list.all(accountKey(after), limit) ?? []
      return rows.map((row) => entryOf(row))
    })
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
    this.#open?.database.close()
    this.#open = undefined
  }

  /** @returns whether anything was there to be changed */
  #write(what: 'add' | 'change' | 'remove', columns: Columns): boolean {
    return this.#attempt(() => {
      if (what === 'add') makeFile(this.#parts.path)
      return this.#existing()?.[what].run(columns).changes === 1
    })
  }

  /** @returns undefined where there is no file */
  #existing(): Open | undefined {
    const inode = statSync(this.#parts.path, { throwIfNoEntry: false })?.ino
    if (this.#open !== undefined && this.#open.inode !== inode) {
      this.#open.database.close()
      this.#open = undefined
    }
    if (inode === undefined) return undefined
    this.#open ??= openFile(this.#parts.path, inode)
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

/** It holds password hashes: nobody else may read it, nor what SQLite writes beside it. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
}

function openFile(path: string, inode: number): Open {
  const database = new DatabaseSync(path, { timeout: busyMs })
  try {
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL')
    updateAccountsSchema(database)
    const names = ['user', 'password_hash', 'scram', 'variables', 'expires_at', 'changed_at']
    const changed = names.slice(1).map((name) => `${name} = :${name}`)
    const added = [...names, 'created_at']
    return {
      database,
      inode,
      find: database.prepare('SELECT * FROM accounts WHERE user = ?'),
      list: database.prepare('SELECT * FROM accounts WHERE user > ? ORDER BY user LIMIT ?'),
      add: database.prepare(
        `INSERT INTO accounts (${added.join()}) VALUES (${added.map((name) => `:${name}`).join()})
          ON CONFLICT (user) DO NOTHING`,
      ),
      change: database.prepare(`UPDATE accounts SET ${changed.join()} WHERE user = :user`),
      remove: database.prepare('DELETE FROM accounts WHERE user = :user'),
    }
  } catch (error) {
    database.close()
    throw error
  }
}

type Columns = Readonly<Record<string, string | number | null>>

function columnsOf({ user, passwordHash, scram, variables, expiresAt }: Account): Columns {
  return {
    user: accountKey(user),
    password_hash: passwordHash,
    scram: scram ?? null,
    variables: JSON.stringify([...variables]),
    expires_at: expiresAt ?? null,
  }
}

type Row = ReturnType<StatementSync['get']> & object

function entryOf(row: Row): AccountEntry {
  const { scram, expires_at: expiresAt } = row
  return {
    user: String(row['user']),
    passwordHash: String(row['password_hash']),
    ...(typeof scram === 'string' ? { scram } : {}),
    variables: new Map(variablesOf(String(row['variables']))),
    ...(typeof expiresAt === 'number' ? { expiresAt } : {}),
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
