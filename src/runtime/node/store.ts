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
import { DatabaseThread, logSetAside } from './database-thread.ts'
import {
  encodeBatch,
  type StoreData,
  type StoreNews,
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

/** The same trouble is logged so often. */
const sayAgainMs = 60_000
/** In trouble it tries whether it can write again, whether anybody wants to or not. */
const tryMs = 10_000

export interface StoreParts {
  readonly path: string
  readonly clock: Clock
  readonly log: Log
  /** It is a running gateway's file: what cannot be opened is left alone, and an error. */
  readonly visits?: boolean
}

type StoreThread = DatabaseThread<StoreWork, readonly StoreResult[], StoreNews>

export interface NodeStore extends Store {
  /** Writes without an answer that were dropped because too many waited, or failed. */
  readonly dropped: number
  /** Operations that are not begun. */
  readonly waiting: number
  /** Why what it is asked fails now; undefined: it does not. */
  readonly trouble: string | undefined
}

/**
 * For the gateway whose file it is it opens always: a damaged file is set aside and a new one begun; where that cannot be done
 * everything it is asked fails until it can.
 * @throws PosternError STORE_FAILED where a visitor cannot open the file
 */
export async function openStore(parts: StoreParts): Promise<NodeStore> {
  const { path, clock, log, visits = false } = parts
  const news: StoreNews[] = []
  let heard = (each: StoreNews): void => void news.push(each)
  const thread: StoreThread = new DatabaseThread({
    path,
    log,
    program: new URL('./store.worker.ts', import.meta.url),
    data: (): StoreData => ({ path, now: clock.now(), visits }),
    heard: (each) => heard(each),
  })
  await thread.open()
  const store = new SqliteStore(thread, parts)
  heard = (each) => store.hear(each)
  for (const each of news) store.hear(each)
  return store
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
  #trouble: { readonly error: string; readonly saidAt: number } | undefined
  #trying: Timer | undefined
  readonly #listeners = new Set<() => void>()

  constructor(thread: StoreThread, parts: StoreParts) {
    this.#thread = thread
    this.#parts = parts
  }

  get dropped(): number {
    return this.#dropped
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get trouble(): string | undefined {
    return this.#trouble?.error
  }

  onBegun(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** What has become of the file. */
  hear({ damaged, upgraded, begun, notOpen }: StoreNews): void {
    const { log, path } = this.#parts
    if (upgraded !== undefined) log.info('store.upgraded', { path, note: upgraded })
    if (damaged !== undefined) logSetAside(log, { path, to: damaged })
    if (notOpen !== undefined) this.#fails(notOpen)
    if (begun === undefined) return
    log.warn('store.begun-anew', { path })
    for (const listener of this.#listeners) listener()
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

  async count(table: string): Promise<number> {
    const [row] = await this.#ask({ do: 'count', table })
    return Number(row?.[1])
  }

  /** What waits is written first. */
  async close(): Promise<void> {
    this.#closed = true
    this.#trying?.cancel()
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
    if (failed !== undefined) this.#fails(failed.error)
    else if (batch.some(({ operation }) => isWrite(operation))) this.#isWell()
    for (const [index, { answer }] of batch.entries()) {
      const result = results[index]
      if (result?.ok === true) answer?.resolve(result.rows)
      else if (answer === undefined) this.#dropped += 1
      else answer.reject(new PosternError('STORE_FAILED', result?.error))
    }
  }

  #fails(error: string): void {
    const { clock, log, path } = this.#parts
    const now = clock.monotonicMs()
    const before = this.#trouble
    const isSaid = before?.error === error && now - before.saidAt < sayAgainMs
    if (!isSaid) log.error('store.failed', { path, error })
    this.#trouble = { error, saidAt: isSaid ? before.saidAt : now }
    this.#tryLater()
  }

  #isWell(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.#trying?.cancel()
    this.#trying = undefined
    this.#parts.log.info('store.recovered', { path: this.#parts.path })
  }

  #tryLater(): void {
    if (this.#closed || this.#parts.visits === true) return
    this.#trying ??= this.#parts.clock.after(tryMs, () => {
      this.#trying = undefined
      const at = this.#parts.clock.now()
      this.table('trouble', { maxEntries: 1 }).putLater('tried', at)
    })
  }
}

function isWrite(operation: StoreOperation): boolean {
  return operation.do === 'put' || operation.do === 'delete'
}

function parse(text: string): JsonValue {
  const value: JsonValue = JSON.parse(text)
  return value
}
