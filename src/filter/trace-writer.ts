import type { Log } from '../runtime/log.ts'
import type { Generation } from './generation.ts'
import { chainRecord, type TraceRecord } from './trace-record.ts'
import { timeKey, type TraceTables } from './trace-tables.ts'

/** Every so many records one is written with an answer: what is not answered shows how far the store is behind. */
const probeEvery = 256
/** So many unanswered probes mean that it is overloaded. */
const mostUnanswered = 4

/**
 * Keeps explanations, and never keeps mail waiting for them: nothing here is awaited. When the store
 * falls behind, those of accepted mail are dropped first, and counted.
 */
export class TraceWriter {
  readonly #tables: TraceTables
  readonly #log: Log
  #written = 0
  #unanswered = 0
  #dropped = 0

  constructor(tables: TraceTables, log: Log) {
    this.#tables = tables
    this.#log = log
  }

  /** Explanations of accepted mail that were not kept. */
  get dropped(): number {
    return this.#dropped
  }

  /** Before the first record of a generation. */
  useChain(generation: Generation): void {
    this.#tables.chains.putLater(generation.id, chainRecord(generation))
  }

  write(record: TraceRecord): void {
    if (record.end === 'committed' && this.#unanswered >= mostUnanswered) {
      this.#dropped += 1
      return
    }
    const key = `${timeKey(record.endedAt)}-${record.id}`
    if (this.#written++ % probeEvery === 0) this.#probe(key, record)
    else this.#tables.transactions.putLater(key, record)
  }

  #probe(key: string, record: TraceRecord): void {
    this.#unanswered += 1
    this.#tables.transactions
      .put(key, record)
      .catch((error: unknown) => this.#log.error('trace.not-kept', { error: String(error) }))
      .finally(() => (this.#unanswered -= 1))
      .catch(() => {})
  }
}
