import { ShadowReport, type ShadowedEntry } from '../filter/shadow-report.ts'
import { traceTables } from '../filter/trace-tables.ts'
import { tracesSince } from '../filter/traced-period.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { openStore } from '../runtime/node/store.ts'
import { silentLog } from './offline-doors.ts'
import { readOffline } from './read-offline.ts'

export interface ShadowQuestion {
  /** How far back, from now. */
  readonly sinceMs: number
  /** Ids that are named for each reason. */
  readonly examples: number
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
  { sinceMs, examples }: ShadowQuestion,
): Promise<ShadowAnswer> {
  const { chain, store: storing } = readOffline(folder)
  const store = await openStore({ path: storing.path, clock: systemClock, log: silentLog })
  const since = systemClock.now() - sinceMs
  const report = new ShadowReport(examples)
  let transactions = 0
  try {
    for await (const { trace } of tracesSince(traceTables(store, storing.traces), since)) {
      transactions += 1
      report.add(trace)
    }
  } finally {
    await store.close()
  }
  const { entries } = report
  const silent = chain
    .filter(({ name, mode }) => mode === 'shadow' && !entries.some(({ entry }) => entry === name))
    .map(({ name, plugin }) => ({ entry: name, plugin, asked: 0, objected: 0, reasons: [] }))
  return { since, transactions, entries: [...entries, ...silent] }
}
