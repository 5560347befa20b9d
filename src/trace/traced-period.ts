/** The explanations of a time, one after the other, newest first. */
import { object, text } from '../filter/read-json.ts'
import { readRecord, wholeRecord, type Trace } from '../filter/trace-reader.ts'
import type { JsonObject } from '../mail/json.ts'
import type { ArchiveQuestion, RecordedArchive } from '../runtime/archive.ts'
import { transactionRanges } from './question.ts'

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
 * @param conditions which of them, where not all transactions are wanted
 * @throws PosternError STORE_FAILED
 */
export async function* tracesSince(
  archive: Pick<RecordedArchive, 'find' | 'note'>,
  since: number,
  conditions: ArchiveQuestion['conditions'] = [transactionRanges],
): AsyncGenerator<StoredTrace, void> {
  const chains = new Map<string, JsonObject>()
  for (let beyond: number | undefined; ;) {
    const question = { conditions, since, order: 'newest', limit: pageSize, details: true } as const
    const { rows, next } = await archive.find(
      beyond === undefined ? question : { ...question, beyond },
    )
    for (const row of rows) {
      const value = wholeRecord(row.value, row.detail)
      const id = text(value['chain'])
      const chain = chains.get(id) ?? object(await archive.note(id))
      chains.set(id, chain)
      yield { trace: readRecord(value, chain), record: value, chain }
    }
    if (next === undefined) return
    beyond = next
  }
}
