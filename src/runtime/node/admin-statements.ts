import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { PosternError } from '../../mail/errors.ts'

type Value = string | number | null
export type Row = Readonly<Record<string, unknown>>

/** What the administration asks its file, prepared once. All methods @throws PosternError STORE_FAILED */
export class AdminStatements {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(path: string, database: DatabaseSync) {
    this.#path = path
    this.#database = database
  }

  /** @returns how many rows it changed */
  run(sql: string, ...values: readonly Value[]): number {
    return storeAttempt(this.#path, () => Number(this.#statement(sql).run(...values).changes))
  }

  all(sql: string, ...values: readonly Value[]): readonly Row[] {
    return storeAttempt(this.#path, () => this.#statement(sql).all(...values))
  }

  close(): void {
    this.#prepared.clear()
    this.#database.close()
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const made = this.#database.prepare(sql)
    this.#prepared.set(sql, made)
    return made
  }
}

/** @throws PosternError STORE_FAILED in place of whatever it throws */
export function storeAttempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new PosternError('STORE_FAILED', `${path}: ${String(cause)}`, { cause })
  }
}
