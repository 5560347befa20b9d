import { isPosternError } from '../mail/errors.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { countShadows, type CountedShadows } from '../trace/count-shadows.ts'
import type { ShadowedEntry } from '../trace/shadow-report.ts'
import { openRecordedTraces } from './open-traces.ts'
import { readOffline } from './read-offline.ts'

export interface ShadowQuestion {
  /** How far back, from now. */
  readonly sinceMs: number
  /** Ids that are named for each reason. */
  readonly examples: number
  /** Called with how many transactions have been looked at. */
  readonly progress?: (count: number) => void
}

export interface ShadowAnswer {
  readonly since: number
  /** Transactions, and connections that came to none, that were looked at. */
  readonly transactions: number
  /** Those that were asked as shadows, and those that are configured so and were never asked. */
  readonly entries: readonly ShadowedEntry[]
}

/** Beside a running gateway as well as without one. @throws PosternError CONFIG_INVALID, STORE_FAILED */
export async function shadowReport(
  folder: string,
  { sinceMs, examples, progress }: ShadowQuestion,
): Promise<ShadowAnswer> {
  const configuration = readOffline(folder)
  const { chain } = configuration
  const since = systemClock.now() - sinceMs
  let counted: CountedShadows = { transactions: 0, entries: [] }
  try {
    const archive = await openRecordedTraces(configuration)
    try {
      counted = await countShadows(archive, { since, examples, progress })
    } finally {
      await archive.close()
    }
  } catch (error) {
    // Nothing was ever recorded.
    if (!isPosternError(error, 'NOT_FOUND')) throw error
  }
  const { transactions, entries } = counted
  const silent = chain
    .filter(({ name, mode }) => mode === 'shadow' && !entries.some(({ entry }) => entry === name))
    .map(({ name, plugin }) => ({ entry: name, plugin, asked: 0, objected: 0, reasons: [] }))
  return { since, transactions, entries: [...entries, ...silent] }
}
