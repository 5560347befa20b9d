import { PosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import type { JsonValue } from '../mail/json.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Store, StoreEntry, StoreTable } from '../runtime/store.ts'

/** A store in memory with the same bounds and expiry, for tests to look into. */
export interface MemoryStore extends Store {
  /** Entries of a table that have not expired, by key. */
  entries(table: string): ReadonlyMap<string, JsonValue>
  /** From now on every call fails, until told otherwise. */
  fail(failing: boolean): void
}

interface Kept {
  readonly value: JsonValue
  readonly expiresAt: Instant | undefined
}

export function memoryStore(clock: Pick<Clock, 'now'>): MemoryStore {
  const tables = new Map<string, Map<string, Kept>>()
  let failing = false
  const kept = (name: string): Map<string, Kept> => {
    const table = tables.get(name) ?? new Map<string, Kept>()
    tables.set(name, table)
    return table
  }
  const live = (name: string): [string, JsonValue][] =>
    [...kept(name)].flatMap(([key, { value, expiresAt }]) =>
      expiresAt !== undefined && expiresAt <= clock.now() ? [] : [[key, value]],
    )
  const check = (): void => {
    if (failing) throw new PosternError('STORE_FAILED', 'the test says so')
  }
  const table = (name: string, maxEntries: number): StoreTable => {
    const write = (key: string, value: JsonValue, expiresAt?: Instant): void => {
      const entries = kept(name)
      // Through JSON, as a real store would have it.
      const copy: JsonValue = JSON.parse(JSON.stringify(value))
      entries.delete(key)
      entries.set(key, { value: copy, expiresAt })
      const [oldest] = entries.keys()
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest)
    }
    return {
      get: async (key, signal) => {
        check()
        if (signal?.aborted === true) throw new PosternError('ABORTED')
        return live(name).find(([each]) => each === key)?.[1]
      },
      put: async (key, value, expiresAt) => {
        check()
        write(key, value, expiresAt)
      },
      putLater: (key, value, expiresAt) => {
        if (!failing) write(key, value, expiresAt)
      },
      delete: async (key) => {
        check()
        kept(name).delete(key)
      },
      scan: async ({ from, to, limit, order }) => {
        check()
        const found = live(name)
          .filter(([key]) => key >= (from ?? '') && (to === undefined || key < to))
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, value]): StoreEntry => ({ key, value }))
        return (order === 'ascending' ? found : found.toReversed()).slice(0, limit)
      },
    }
  }
  return {
    table: (name, { maxEntries }) => table(name, maxEntries),
    count: async (name) => {
      check()
      return live(name).length
    },
    close: async () => {},
    entries: (name) => new Map(live(name)),
    fail: (value) => {
      failing = value
    },
  }
}
