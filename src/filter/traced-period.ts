/** The explanations of a time, one after the other, newest first. */
import type { JsonObject } from '../mail/json.ts'
import { object, isObject, text } from './read-json.ts'
import { readRecord, type Trace } from './trace-reader.ts'
import { timeKey, type TraceTables } from './trace-tables.ts'

/** Records fetched in one go. */
const pageSize = 256

/** An explanation, and the record it was read from. */
export interface StoredTrace {
  readonly trace: Trace
  readonly record: JsonObject
  /** The chain that it was decided by, as it was stored. */
  readonly chain: JsonObject
}

/**
 * @param since an instant: what ended before it is left out
 * @throws PosternError STORE_FAILED
 */
export async function* tracesSince(
  tables: TraceTables,
  since: number,
): AsyncGenerator<StoredTrace, void> {
  const chains = new Map<string, JsonObject>()
  const from = timeKey(since)
  for (let to: string | undefined; ;) {
    const range = { from, limit: pageSize, order: 'descending' } as const
    const page = await tables.transactions.scan(to === undefined ? range : { ...range, to })
    for (const { value } of page) {
      if (!isObject(value)) continue
      const id = text(value['chain'])
      const chain = chains.get(id) ?? object(await tables.chains.get(id))
      chains.set(id, chain)
      yield { trace: readRecord(value, chain), record: value, chain }
    }
    to = page.at(-1)?.key
    if (page.length < pageSize || to === undefined) return
  }
}
