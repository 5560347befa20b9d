/** All doors that a chain may go through, each a fake that answers from memory; those that a test looks at stand beside them. */
import type { ChainDoors } from '../filter/entry-doors.ts'
import { processCounters } from '../runtime/node/counters.ts'
import { fakeClock, type FakeClock } from './fake-clock.ts'
import { fakeContinuations } from './fake-continuations.ts'
import { fakeDns } from './fake-dns.ts'
import { fakeNet } from './fake-net.ts'
import { fakePrograms } from './fake-programs.ts'
import { inlineJobs } from './inline-jobs.ts'
import { memoryAccounts } from './memory-accounts.ts'
import { memoryStore, type MemoryStore } from './memory-store.ts'
import { readableMetrics, type ReadableMetrics } from './readable-metrics.ts'
import { recordingLog } from './recording-log.ts'
import { seededRandom } from './seeded-random.ts'

export interface FakeDoors {
  readonly clock: FakeClock
  readonly log: ReturnType<typeof recordingLog>
  readonly store: MemoryStore
  readonly metrics: ReadableMetrics
  /** With the ones above among them, but where the test has its own. */
  readonly doors: ChainDoors
}

/** @param own instead of the fakes */
export function fakeDoors(own: Partial<ChainDoors> = {}): FakeDoors {
  const clock = fakeClock()
  const log = recordingLog()
  const store = memoryStore(clock)
  const metrics = readableMetrics(clock)
  const dns = own.dns ?? fakeDns()
  const doors: ChainDoors = {
    accounts: memoryAccounts(),
    clock,
    continuations: fakeContinuations(),
    log,
    metrics,
    store,
    dns,
    jobs: inlineJobs(dns),
    net: fakeNet(),
    programs: fakePrograms(),
    random: seededRandom(1),
    counters: processCounters(clock),
    ...own,
  }
  return { clock, log, store, metrics, doors }
}
