/**
 * The store's SQLite file: one row for each entry, in the order of writing, so that the oldest of a
 * table is found by its number. A batch is one transaction; a batch that cannot be committed has failed
 * as a whole. Used by the worker thread only: every call blocks.
 */
import { mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { StoreOperation, StoreResult } from './store-protocol.ts'

const schemaVersion = 1
const schema = `
  CREATE TABLE tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    table_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_at INTEGER
  );
  CREATE UNIQUE INDEX entries_by_key ON entries (table_id, key);
  CREATE INDEX entries_by_age ON entries (table_id, seq);
  CREATE INDEX entries_by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
`

const sweepEveryMs = 60_000
/** Rows removed at once, for bounds and for expiry: a transaction stays short. */
const sweepRows = 1000
/** Not a database; a database whose inside is broken. */
const damageCodes = new Set([11, 26])

interface TableState {
  readonly id: number
  count: number
  maxEntries: number
}

const nothing: StoreResult = { ok: true, rows: [] }

/** @returns the database; a file that cannot be read is moved aside, for what lies in it is merely known. */
export function openStoreDatabase(
  path: string,
  now: number,
): { readonly database: StoreDatabase; readonly damaged?: string } {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  try {
    return { database: new StoreDatabase(openFile(path)) }
  } catch (error) {
    if (!isDamage(error)) throw error
    const damaged = `${path}.damaged-${now}`
    renameSync(path, damaged)
    for (const beside of ['-wal', '-shm']) moveIfThere(path + beside, damaged + beside)
    return { database: new StoreDatabase(openFile(path)), damaged }
  }
}

function openFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5000 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    const version = database.prepare('PRAGMA user_version').get()?.['user_version']
    if (typeof version === 'number' && version > schemaVersion) {
      throw new Error(`${path} was written by a newer version`)
    }
    if (version === 0) {
      database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`)
    }
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && damageCodes.has(Number(error.errcode))
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

export class StoreDatabase {
  readonly #database: DatabaseSync
  readonly #tables = new Map<string, TableState>()
  readonly #statements = new Map<string, StatementSync>()
  #sweptAt = 0

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** One result for each operation, in order. Expired entries are not there any more. */
  work(operations: readonly StoreOperation[], now: number): readonly StoreResult[] {
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      const results = operations.map((operation) => this.#attempt(operation, now))
      this.#enforceBounds()
      this.#sweep(now)
      this.#database.exec('COMMIT')
      return results
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      // What was counted may not have happened.
      this.#tables.clear()
      return operations.map(() => ({ ok: false, error: String(error) }))
    }
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  #attempt(operation: StoreOperation, now: number): StoreResult {
    try {
      return this.#do(operation, now)
    } catch (error) {
      return { ok: false, error: String(error) }
    }
  }

  #do(operation: StoreOperation, now: number): StoreResult {
    const table = this.#table(operation.table)
    switch (operation.do) {
      case 'put': {
        const { key, value, expiresAt, maxEntries } = operation
        const insert = this.#prepared(
          'INSERT OR IGNORE INTO entries (table_id, key, value, expires_at) VALUES (?, ?, ?, ?)',
        )
        // Most keys are new; one that is not is written anew, so that it counts as young.
        if (insert.run(table.id, key, value, expiresAt).changes === 0) {
          this.#remove(table, key)
          insert.run(table.id, key, value, expiresAt)
        }
        table.count += 1
        table.maxEntries = maxEntries
        return nothing
      }
      case 'delete':
        this.#remove(table, operation.key)
        return nothing
      case 'get':
        return rowsOf(
          this.#prepared(
            `SELECT key, value FROM entries
              WHERE table_id = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)`,
          ).all(table.id, operation.key, now),
        )
      case 'scan':
        return this.#scan(table, operation, now)
    }
  }

  #scan(
    table: TableState,
    { from, to, limit, order }: Extract<StoreOperation, { do: 'scan' }>,
    now: number,
  ): StoreResult {
    const direction = order === 'ascending' ? 'ASC' : 'DESC'
    const upper = to === null ? '' : 'AND key < ?'
    const statement = this.#prepared(
      `SELECT key, value FROM entries
        WHERE table_id = ? AND key >= ? ${upper} AND (expires_at IS NULL OR expires_at > ?)
        ORDER BY key ${direction} LIMIT ?`,
    )
    const lower = from ?? ''
    const rows =
      to === null
        ? statement.all(table.id, lower, now, limit)
        : statement.all(table.id, lower, to, now, limit)
    return rowsOf(rows)
  }

  #remove(table: TableState, key: string): void {
    const { changes } = this.#prepared('DELETE FROM entries WHERE table_id = ? AND key = ?').run(
      table.id,
      key,
    )
    table.count -= Number(changes)
  }

  #enforceBounds(): void {
    for (const table of this.#tables.values()) {
      const excess = Math.min(table.count - table.maxEntries, sweepRows)
      if (excess <= 0) continue
      const { changes } = this.#prepared(
        `DELETE FROM entries WHERE seq IN
          (SELECT seq FROM entries WHERE table_id = ? ORDER BY seq LIMIT ?)`,
      ).run(table.id, excess)
      table.count -= Number(changes)
    }
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < sweepEveryMs) return
    this.#sweptAt = now
    const gone = this.#prepared(
      `DELETE FROM entries WHERE seq IN
        (SELECT seq FROM entries WHERE expires_at <= ? LIMIT ?) RETURNING table_id`,
    ).all(now, sweepRows)
    const byId = new Map([...this.#tables.values()].map((table) => [table.id, table]))
    for (const row of gone) {
      const table = byId.get(Number(row['table_id']))
      if (table !== undefined) table.count -= 1
    }
  }

  #table(name: string): TableState {
    const known = this.#tables.get(name)
    if (known !== undefined) return known
    this.#prepared('INSERT OR IGNORE INTO tables (name) VALUES (?)').run(name)
    const id = Number(this.#prepared('SELECT id FROM tables WHERE name = ?').get(name)?.['id'])
    const counted = this.#prepared('SELECT count(*) AS n FROM entries WHERE table_id = ?').get(id)
    const table = { id, count: Number(counted?.['n']), maxEntries: Infinity }
    this.#tables.set(name, table)
    return table
  }

  #prepared(sql: string): StatementSync {
    const before = this.#statements.get(sql)
    if (before !== undefined) return before
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

function rowsOf(rows: readonly Record<string, unknown>[]): StoreResult {
  return { ok: true, rows: rows.map(({ key, value }) => [String(key), String(value)] as const) }
}
