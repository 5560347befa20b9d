/**
 * The store's SQLite file: a table of its own for each table of ours, its rows numbered in the order of
 * writing, so that the oldest is the first. A batch is one transaction; a batch that cannot be committed
 * has failed as a whole. Used by the worker thread only: every call blocks.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { errorKind } from './database-file.ts'
import { versionOf } from './schema-steps.ts'
import type { StoreOperation, StoreResult } from './store-protocol.ts'

const schemaVersion = 2
const schema =
  'CREATE TABLE IF NOT EXISTS tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)'
const tableSchema = (table: string): string => `
  CREATE TABLE IF NOT EXISTS ${table} (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL, expires_at INTEGER
  );
  CREATE INDEX IF NOT EXISTS ${table}_by_expiry ON ${table} (expires_at)
    WHERE expires_at IS NOT NULL;
`

/** Version 1 kept what happened to mail here; now an archive does. */
const formerTables = ['transactions', 'chains', 'attempts']

const sweepEveryMs = 60_000
/** Rows removed at once, for bounds and for expiry: a transaction stays short. */
const sweepRows = 1000
/** A mistake in a statement, too much at once, a constraint, a type: of one operation, and nothing ails the file. */
const ownCodes = new Set([1, 18, 19, 20])

interface OpenTable {
  count: number
  maxEntries: number
  readonly counted: StatementSync
  readonly insert: StatementSync
  readonly get: StatementSync
  readonly delete: StatementSync
  readonly deleteOldest: StatementSync
  readonly deleteExpired: StatementSync
  readonly ascending: StatementSync
  readonly descending: StatementSync
}

export interface OpenedStore {
  readonly database: StoreDatabase
  /** What became of an older version's content. */
  readonly upgraded?: string
}

const nothing: StoreResult = { ok: true, rows: [] }

/**
 * @returns the database, its tables made where there are none
 * @throws what SQLite throws; a file that a newer version wrote is left alone
 */
export function openStoreDatabase(path: string): OpenedStore {
  const file = openFile(path)
  try {
    const upgraded = dropFormerTables(file)
    return {
      database: new StoreDatabase(file),
      ...(upgraded === undefined ? {} : { upgraded }),
    }
  } catch (error) {
    file.close()
    throw error
  }
}

function openFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5000 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    const version = versionOf(database)
    if (version > schemaVersion) {
      throw new Error(`${path} was written by a newer version`)
    }
    if (version === 0) {
      // Of several workers that begin one file together the second finds it begun.
      database.exec(`BEGIN IMMEDIATE; ${schema}; PRAGMA user_version = ${schemaVersion}; COMMIT`)
    }
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** @returns what became of them, where there were any */
function dropFormerTables(database: DatabaseSync): string | undefined {
  if (versionOf(database) === schemaVersion) return undefined
  database.exec('BEGIN IMMEDIATE')
  const find = database.prepare('SELECT id FROM tables WHERE name = ?')
  const forget = database.prepare('DELETE FROM tables WHERE name = ?')
  let dropped = 0
  for (const name of formerTables) {
    const id = find.get(name)?.['id']
    if (id === undefined) continue
    database.exec(`DROP TABLE IF EXISTS t${Number(id)}`)
    forget.run(name)
    dropped += 1
  }
  database.exec(`PRAGMA user_version = ${schemaVersion}; COMMIT`)
  return dropped === 0
    ? undefined
    : 'traces of the version before were dropped: they begin anew in a file of their own'
}

export class StoreDatabase {
  readonly #database: DatabaseSync
  readonly #tables = new Map<string, OpenTable>()
  #sweptAt = 0

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /**
   * One result for each operation, in order. Expired entries are not there any more.
   * @throws what SQLite throws where the batch as a whole has failed: nothing of it has happened
   */
  work(operations: readonly StoreOperation[], now: number): readonly StoreResult[] {
    // Whoever only reads, such as a tool beside the gateway, takes no lock from it.
    const writes = operations.some(
      (operation) => operation.do === 'put' || operation.do === 'delete',
    )
    try {
      this.#database.exec(writes ? 'BEGIN IMMEDIATE' : 'BEGIN')
      const results = operations.map((operation) => this.#attempt(operation, now))
      if (writes) this.#enforceBounds()
      if (writes) this.#sweep(now)
      this.#database.exec('COMMIT')
      return results
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      // What was counted, or created, may not have happened.
      this.#tables.clear()
      throw error
    }
  }

  close(): void {
    this.#tables.clear()
    this.#database.close()
  }

  #attempt(operation: StoreOperation, now: number): StoreResult {
    try {
      return this.#do(operation, now)
    } catch (error) {
      // SQLite ends the transaction where the disk is full: what followed would be written one by one.
      if (!ownCodes.has(errorKind(error)) || !this.#database.isTransaction) throw error
      return { ok: false, error: String(error) }
    }
  }

  #do(operation: StoreOperation, now: number): StoreResult {
    const table = this.#table(operation.table)
    switch (operation.do) {
      case 'put':
        put(table, operation)
        return nothing
      case 'delete':
        table.count -= Number(table.delete.run(operation.key).changes)
        return nothing
      case 'get':
        return rowsOf(table.get.all(operation.key, now))
      case 'count':
        // Not what we have counted: others write to the same file.
        return { ok: true, rows: [['', String(table.counted.get()?.['n'])]] }
      case 'scan': {
        const { from, to, limit, order } = operation
        return rowsOf(table[order].all(from ?? '', to, to, now, limit))
      }
    }
  }

  #enforceBounds(): void {
    for (const table of this.#tables.values()) {
      const excess = Math.min(table.count - table.maxEntries, sweepRows)
      if (excess > 0) table.count -= Number(table.deleteOldest.run(excess).changes)
    }
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < sweepEveryMs) return
    this.#sweptAt = now
    for (const table of this.#tables.values()) {
      table.deleteExpired.run(now, sweepRows)
      // Other processes write to the same file, and everybody counts for themselves in between.
      table.count = Number(table.counted.get()?.['n'])
    }
  }

  #table(name: string): OpenTable {
    const known = this.#tables.get(name)
    if (known !== undefined) return known
    const database = this.#database
    const t = `t${this.#tableId(name)}`
    const counted = database.prepare(`SELECT count(*) AS n FROM ${t}`)
    const alive = '(expires_at IS NULL OR expires_at > ?)'
    const scan = (direction: string): StatementSync =>
      database.prepare(
        `SELECT key, value FROM ${t} WHERE key >= ? AND (? IS NULL OR key < ?) AND ${alive}
          ORDER BY key ${direction} LIMIT ?`,
      )
    const oldest = (where: string): StatementSync =>
      database.prepare(
        `DELETE FROM ${t} WHERE seq IN (SELECT seq FROM ${t} ${where} ORDER BY seq LIMIT ?)`,
      )
    const table = {
      count: Number(counted.get()?.['n']),
      maxEntries: Infinity,
      counted,
      insert: database.prepare(
        `INSERT INTO ${t} (key, value, expires_at) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING`,
      ),
      get: database.prepare(`SELECT key, value FROM ${t} WHERE key = ? AND ${alive}`),
      delete: database.prepare(`DELETE FROM ${t} WHERE key = ?`),
      deleteOldest: oldest(''),
      deleteExpired: oldest('WHERE expires_at <= ?'),
      ascending: scan('ASC'),
      descending: scan('DESC'),
    }
    this.#tables.set(name, table)
    return table
  }

  #tableId(name: string): number {
    const row = this.#database.prepare('SELECT id FROM tables WHERE name = ?').get(name)
    if (row !== undefined) return Number(row['id'])
    const made = this.#database.prepare('INSERT INTO tables (name) VALUES (?)').run(name)
    const id = Number(made.lastInsertRowid)
    this.#database.exec(tableSchema(`t${id}`))
    return id
  }
}

/** An entry that is written anew is the youngest again. */
function put(
  table: OpenTable,
  { key, value, expiresAt, maxEntries }: Extract<StoreOperation, { do: 'put' }>,
): void {
  table.maxEntries = maxEntries
  if (table.insert.run(key, value, expiresAt).changes === 0) {
    table.count -= Number(table.delete.run(key).changes)
    table.insert.run(key, value, expiresAt)
  }
  table.count += 1
}

function rowsOf(rows: readonly Record<string, unknown>[]): StoreResult {
  return { ok: true, rows: rows.map(({ key, value }) => [String(key), String(value)] as const) }
}
