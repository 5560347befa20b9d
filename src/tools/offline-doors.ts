/** Doors for work beside the gateway: nothing is remembered, nothing is logged. */
import { PosternError } from '../mail/errors.ts'
import type { ChainDoors } from '../filter/entry-doors.ts'
import type { AccountReader } from '../runtime/accounts.ts'
import type { Continuations } from '../runtime/continuations.ts'
import type { Dns } from '../runtime/dns.ts'
import { metricRegistry } from '../runtime/metrics/registry.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { processCounters } from '../runtime/node/counters.ts'
import { nodeDns } from '../runtime/node/dns.ts'
import { nodeJobs } from '../runtime/node/jobs.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { nodePrograms } from '../runtime/node/programs.ts'
import { systemRandom } from '../runtime/node/random.ts'
import type { Store, StoreTable } from '../runtime/store.ts'
import { silentLog } from './silent-log.ts'

const nothing = (): void => undefined

const closed = (): Promise<never> =>
  Promise.reject(new PosternError('STORE_FAILED', 'it is not open'))

const closedTable: StoreTable = {
  get: closed,
  put: closed,
  putLater: nothing,
  delete: closed,
  scan: closed,
}

/** Plugins are set up and never opened here, so none of them has a reason to ask. */
const closedStore: Store = {
  table: () => closedTable,
  close: () => Promise.resolve(),
}

const noAccounts: AccountReader = {
  find: () => undefined,
  list: () => [],
  findDomain: () => undefined,
  listDomains: () => [],
  findDomainAlias: () => undefined,
  listDomainAliases: () => [],
  findAlias: () => undefined,
  listAliases: () => [],
}

/** There is no message that could come back. */
const noContinuations: Continuations = {
  offer: () => Promise.reject(new PosternError('NOT_FOUND', 'a spool')),
}

/** @param accounts nobody's where nothing is said @param dns what entries ask that are tried */
export function offlineDoors(
  accounts: AccountReader = noAccounts,
  dns: Dns = nodeDns(),
): ChainDoors {
  return {
    accounts,
    clock: systemClock,
    continuations: noContinuations,
    counters: processCounters(),
    dns,
    jobs: nodeJobs({ clock: systemClock, dns }),
    log: silentLog,
    metrics: metricRegistry(systemClock),
    net: nodeNet,
    programs: nodePrograms(systemClock),
    random: systemRandom,
    store: closedStore,
  }
}
