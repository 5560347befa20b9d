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
  | { readonly do: 'count'; readonly table: string }
  | {
      readonly do: 'scan'
      readonly table: string
      readonly from: string | null
      readonly to: string | null
      readonly limit: number
      readonly order: 'ascending' | 'descending'
    }

/** Values are JSON text; a count is the value of a single row. */
export type StoreResult =
  | { readonly ok: true; readonly rows: readonly (readonly [key: string, value: string])[] }
  | { readonly ok: false; readonly error: string }

/** What the thread is started with. */
export interface StoreData {
  readonly path: string
  readonly now: number
  /** It is somebody else's file: what cannot be opened is not replaced. */
  readonly visits: boolean
}

/** What became of the file. */
export interface StoreNews {
  /** Where the file went that could not be read. */
  readonly damaged?: string
  /** What became of an older version's content. */
  readonly upgraded?: string
  /** What was known before is not known any more. */
  readonly begun?: true
  /** Why there is none: everything fails until it can be opened. */
  readonly notOpen?: string
}

/** What the thread is asked. */
export interface StoreWork {
  readonly now: number
  readonly batch: EncodedBatch
}

/** A batch as two texts: what is cloned between threads costs by the piece, not by the byte. */
export interface EncodedBatch {
  /** The operations as JSON, those that put with the length of their value in place of it. */
  readonly heads: string
  /** All values, one after the other. */
  readonly values: string
}

type Head =
  | Exclude<StoreOperation, { do: 'put' }>
  | (Omit<Put, 'value'> & { readonly length: number })
type Put = Extract<StoreOperation, { do: 'put' }>

export function encodeBatch(operations: readonly StoreOperation[]): EncodedBatch {
  let values = ''
  const heads = operations.map((operation): Head => {
    if (operation.do !== 'put') return operation
    const { value, ...rest } = operation
    values += value
    return { ...rest, length: value.length }
  })
  return { heads: JSON.stringify(heads), values }
}

export function decodeBatch({ heads, values }: EncodedBatch): readonly StoreOperation[] {
  const parsed: readonly Head[] = JSON.parse(heads)
  let at = 0
  return parsed.map((head): StoreOperation => {
    if (head.do !== 'put') return head
    const { length, ...rest } = head
    const value = values.slice(at, at + length)
    at += length
    return { ...rest, value }
  })
}
