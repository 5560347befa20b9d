import { redecide, type Redecided } from '../filter/redecide.ts'
import { readTrace, type Trace } from '../filter/trace-reader.ts'
import { traceTables } from '../filter/trace-tables.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { openStore } from '../runtime/node/store.ts'
import { silentLog } from './offline-doors.ts'
import { readOffline } from './read-offline.ts'

export interface FoundTrace extends Trace {
  /** What each recipient was answered, decided again from the recorded steps; none where steps were lost. */
  readonly rulings: readonly Redecided[]
}

/**
 * The explanation of one transaction, read beside a running gateway as well as without one.
 * @param which a transaction, session or queue id, or `last`
 * @throws PosternError NOT_FOUND where nothing was ever recorded
 */
export async function findTrace(folder: string, which: string): Promise<FoundTrace | undefined> {
  const { path, traces } = readOffline(folder).store
  await systemDisk.stat(path)
  const store = await openStore({ path, clock: systemClock, log: silentLog })
  try {
    const trace = await readTrace(traceTables(store, traces), which)
    return trace === undefined
      ? undefined
      : { ...trace, rulings: redecide(trace)?.recipients ?? [] }
  } finally {
    await store.close()
  }
}
