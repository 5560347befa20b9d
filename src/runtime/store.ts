import type { Instant } from '../mail/instant.ts'
import type { JsonValue } from '../mail/json.ts'

/**
 * The door to what is merely known (traces, greylist, counters that outlive a restart): losing it never loses mail.
 * Tables are bounded: beyond `maxEntries` the oldest written entries go first.
 */
export interface Store {
  table(name: string, bounds: { readonly maxEntries: number }): StoreTable
  /** Why what it is asked fails now; undefined: nobody knows of anything. */
  readonly trouble?: string | undefined
  /** Called each time that what was known is lost while we run: the file was damaged, or is gone. @returns how to stop it */
  onBegun?(listener: () => void): () => void
  /** How many entries a table has, whoever wrote them; some may have expired. @throws PosternError STORE_FAILED */
  count?(table: string): Promise<number>
  close(): Promise<void>
}

export interface StoreEntry {
  readonly key: string
  readonly value: JsonValue
}

export interface StoreRange {
  /** Inclusive. */
  readonly from?: string
  /** Exclusive. */
  readonly to?: string
  readonly limit: number
  readonly order: 'ascending' | 'descending'
}

/** All methods @throws PosternError STORE_FAILED. */
export interface StoreTable {
  get(key: string, signal?: AbortSignal): Promise<JsonValue | undefined>
  /**
   * Who remembers the answer to `get` and does not ask says what it remembers, so that it is known what a verdict rests
   * on. It changes nothing.
   */
  remembered?(key: string, value: JsonValue | undefined): void
  /** Resolves when written; `expiresAt` absent: stays until the bound pushes it out. */
  put(key: string, value: JsonValue, expiresAt?: Instant): Promise<void>
  /** Takes it without an answer; dropped and counted when more than `maxEntries` wait to be written. */
  putLater(key: string, value: JsonValue, expiresAt?: Instant): void
  delete(key: string): Promise<void>
  scan(range: StoreRange): Promise<readonly StoreEntry[]>
}
