/** What the store and its worker thread say to each other: batches of operations, and one result for each. */

export type StoreOperation =
  | {
      readonly do: 'put'
      readonly table: string
      readonly key: string
      /** JSON. */
      readonly value: string
      readonly expiresAt: number | null
      readonly maxEntries: number
    }
  | { readonly do: 'get' | 'delete'; readonly table: string; readonly key: string }
  | {
      readonly do: 'scan'
      readonly table: string
      readonly from: string | null
      readonly to: string | null
      readonly limit: number
      readonly order: 'ascending' | 'descending'
    }

/** Values are JSON text. */
export type StoreResult =
  | { readonly ok: true; readonly rows: readonly (readonly [key: string, value: string])[] }
  | { readonly ok: false; readonly error: string }

export type ToWorker =
  | { readonly say: 'work'; readonly now: number; readonly operations: readonly StoreOperation[] }
  | { readonly say: 'close' }

export type FromWorker =
  /** `damaged`: where the file went that could not be read. */
  | { readonly say: 'ready'; readonly damaged?: string }
  | { readonly say: 'failed'; readonly error: string }
  | { readonly say: 'done'; readonly results: readonly StoreResult[] }
  | { readonly say: 'closed' }
