import type { Store, StoreTable } from '../runtime/store.ts'

/** Where the explanations lie. Losing all of it loses no mail. */
export interface TraceTables {
  /** Records by time and id. */
  readonly transactions: StoreTable
  /** Chains by their id. */
  readonly chains: StoreTable
  /** Tries of the courier by queue id and time. */
  readonly attempts: StoreTable
}

/** @param traces how many transactions are kept */
export function traceTables(store: Store, traces: number): TraceTables {
  return {
    transactions: store.table('transactions', { maxEntries: traces }),
    chains: store.table('chains', { maxEntries: 1000 }),
    attempts: store.table('attempts', { maxEntries: traces * 4 }),
  }
}

/** A time that sorts as text. */
export function timeKey(at: number): string {
  return Math.floor(at).toString(36).padStart(9, '0')
}
