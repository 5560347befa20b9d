/**
 * The store on node:sqlite, in a thread of its own: writes are gathered while a batch is being worked on
 * and go together in the next. Nothing here blocks the event loop, and nothing waits without bound.
 */
import { PosternError } from '../../mail/errors.ts'
import type { Instant } from '../../mail/instant.ts'
import type { JsonValue } from '../../mail/json.ts'
import { abortable } from '../abortable.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Store, StoreEntry, StoreRange, StoreTable } from '../store.ts'
import type { Log } from '../log.ts'
import { DatabaseThread } from './database-thread.ts'
import {
  encodeBatch,
  type StoreOperation,
  type StoreResult,
  type StoreWork,
} from './store-protocol.ts'

/** So many operations make one transaction at most. */
const largestBatch = 1000
/** What nobody waits for is gathered so long: waking the thread costs more than most of what it is given. */
const gatherMs = 100
/** Of one table, written without an answer: more than this waiting is dropped. */
const mostWaiting = 20_000

export interface StoreParts {
  readonly path: string
  readonly clock: Clock
  readonly log: Log
}

type StoreThread = DatabaseThread<StoreWork, readonly StoreResult[]>

export interface NodeStore extends Store {
  /** Writes without an answer that were dropped because too many waited, or failed. */
  readonly dropped: number
}

/** @throws PosternError STORE_FAILED where the file cannot be opened */
export async function openStore(parts: StoreParts): Promise<NodeStore> {
  const { path, clock, log } = parts
  const thread: StoreThread = new DatabaseThread({
    path,
    log,
    program: new URL('./store.worker.ts', import.meta.url),
    data: () => ({ path, now: clock.now() }),
  })
  await thread.open()
  return new SqliteStore(thread, parts)
}

type Rows = Extract<StoreResult, { ok: true }>['rows']

interface Waiting {
  readonly operation: StoreOperation
  /** Absent for what nobody waits for. */
  readonly answer?: PromiseWithResolvers<Rows>
}

class SqliteStore implements NodeStore {
  readonly #thread: StoreThread
  readonly #parts: StoreParts
  /** Writes without an answer that wait, by table. */
  readonly #laterWrites = new Map<string, number>()
  #waiting: Waiting[] = []
  #working: Promise<void> | undefined
  /** Of those that wait, how many somebody waits for. */
  #awaited = 0
  /** Until what nobody waits for is written. */
  #gathering: Timer | undefined
  #dropped = 0
  #closed = false

  constructor(thread: StoreThread, parts: StoreParts) {
    this.#thread = thread
    this.#parts = parts
  }

  get dropped(): number {
    return this.#dropped
  }

  table(name: string, { maxEntries }: { readonly maxEntries: number }): StoreTable {
    const put = (key: string, value: JsonValue, expiresAt?: Instant): StoreOperation => ({
      do: 'put',
      table: name,
      key,
      value: JSON.stringify(value),
      expiresAt: expiresAt ?? null,
      maxEntries,
    })
    return {
      get: async (key, signal) => {
        const [row] = await abortable(
          this.#ask({ do: 'get', table: name, key }),
          signal,
          'a question to the store',
        )
        return row === undefined ? undefined : parse(row[1])
      },
      put: async (key, value, expiresAt) => {
        await this.#ask(put(key, value, expiresAt))
      },
      putLater: (key, value, expiresAt) => {
        const count = this.#laterWrites.get(name) ?? 0
        if (count >= Math.min(maxEntries, mostWaiting) || this.#closed) {
          this.#dropped += 1
          return
        }
        this.#laterWrites.set(name, count + 1)
        this.#enqueue({ operation: put(key, value, expiresAt) })
      },
      delete: async (key) => {
        await this.#ask({ do: 'delete', table: name, key })
      },
      scan: (range) => this.#scan(name, range),
    }
  }

  /** What waits is written first. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#waiting.length > 0) this.#begin()
    while (this.#working !== undefined) {
      // oxlint-disable-next-line no-await-in-loop -- one batch after the other
      await this.#working
    }
    await this.#thread.close()
  }

  async #scan(
    name: string,
    { from, to, limit, order }: StoreRange,
  ): Promise<readonly StoreEntry[]> {
    const range = { from: from ?? null, to: to ?? null, limit, order }
    const rows = await this.#ask({ do: 'scan', table: name, ...range })
    return rows.map(([key, value]) => ({ key, value: parse(value) }))
  }

  #ask(operation: StoreOperation): Promise<Rows> {
    if (this.#closed) return Promise.reject(new PosternError('STORE_FAILED', 'it is closed'))
    const answer = Promise.withResolvers<Rows>()
    this.#enqueue({ operation, answer })
    return answer.promise
  }

  #enqueue(waiting: Waiting): void {
    this.#waiting.push(waiting)
    if (waiting.answer !== undefined) this.#awaited += 1
    if (this.#isWorthABatch) this.#begin()
    else this.#gathering ??= this.#parts.clock.after(gatherMs, () => this.#begin())
  }

  get #isWorthABatch(): boolean {
    return this.#awaited > 0 || this.#waiting.length >= largestBatch || this.#closed
  }

  #begin(): void {
    this.#gathering?.cancel()
    this.#gathering = undefined
    this.#working ??= this.#workThrough()
  }

  async #workThrough(): Promise<void> {
    // What else this turn of the event loop brings goes with the first batch.
    await new Promise((resolve) => setImmediate(resolve))
    do {
      const batch = this.#waiting.splice(0, largestBatch)
      this.#forget(batch)
      // oxlint-disable-next-line no-await-in-loop -- one batch after the other
      await this.#workOn(batch)
    } while (this.#waiting.length > 0 && this.#isWorthABatch)
    this.#working = undefined
    if (this.#waiting.length > 0 && this.#gathering === undefined) {
      this.#gathering = this.#parts.clock.after(gatherMs, () => this.#begin())
    }
  }

  #forget(batch: readonly Waiting[]): void {
    for (const { operation, answer } of batch) {
      if (answer !== undefined) {
        this.#awaited -= 1
        continue
      }
      this.#laterWrites.set(operation.table, (this.#laterWrites.get(operation.table) ?? 1) - 1)
    }
  }

  async #workOn(batch: readonly Waiting[]): Promise<void> {
    let results: readonly StoreResult[]
    try {
      results = await this.#thread.ask({
        now: this.#parts.clock.now(),
        batch: encodeBatch(batch.map(({ operation }) => operation)),
      })
    } catch (error) {
      results = batch.map(() => ({ ok: false, error: String(error) }))
    }
    const failed = results.find((result) => !result.ok)
    if (failed !== undefined) {
      this.#parts.log.error('store.failed', { path: this.#parts.path, error: failed.error })
    }
    for (const [index, { answer }] of batch.entries()) {
      const result = results[index]
      if (result?.ok === true) answer?.resolve(result.rows)
      else if (answer === undefined) this.#dropped += 1
      else answer.reject(new PosternError('STORE_FAILED', result?.error))
    }
  }
}

function parse(text: string): JsonValue {
  const value: JsonValue = JSON.parse(text)
  return value
}
