/** The doors of a gateway at work, as its configuration has them. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Configuration } from '../config/configuration.ts'
import { delivererClient } from '../delivery/deliverer/client.ts'
import { withLoginPrograms } from '../delivery/deliverer/login-programs.ts'
import { mailboxRoom } from '../delivery/mailboxes/mailbox-room.ts'
import { cachingDns } from '../runtime/caching-dns.ts'
import { countedLog } from '../runtime/counted-log.ts'
import type { Counters } from '../runtime/counters.ts'
import type { Doors } from '../runtime/doors.ts'
import { countedDns, timedDns } from '../runtime/measured-dns.ts'
import { spoolMetrics, worldMetrics } from '../runtime/metrics/inventory.ts'
import { metricRegistry } from '../runtime/metrics/registry.ts'
import { nodeAccounts } from '../runtime/node/accounts.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { processCounters } from '../runtime/node/counters.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { nodeDns } from '../runtime/node/dns.ts'
import { nodeJobs } from '../runtime/node/jobs.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { hostProcess } from '../runtime/node/process.ts'
import { watchProcess } from '../runtime/node/process-metrics.ts'
import { nodePrograms } from '../runtime/node/programs.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { nodeSecureDns } from '../runtime/node/secure-dns.ts'
import { openStore } from '../runtime/node/store.ts'
import { spoolContinuations } from '../queue/continuations.ts'
import { openLog, type LogSeat } from './open-log.ts'
import { openTraces } from './open-traces.ts'
import { databasesSetAside } from './set-aside.ts'

/** The event loop stands still meanwhile; a question that fails has the outcome that its entry was given. */
const accountsMs = 50

export interface OpenedDoors {
  readonly doors: Doors
  /** The jobs' threads end; the store and the traces are written to the end, then the log. */
  close(): Promise<void>
}

/** What is different in a worker of several. */
export interface WorkerDoors {
  readonly counters?: Counters
  /** Who writes, in the log. */
  readonly seat?: LogSeat
  /** The deliverer's socket, where there is one. */
  readonly deliverer?: string | undefined
}

/** What the store or the traces suffer from keeps nothing from being opened. */
export async function openDoors(
  {
    folder,
    accounts: who,
    log: logging,
    store: storing,
    traces: tracing,
    spool,
    dns,
    delivery,
  }: Configuration,
  { counters = processCounters(), seat, deliverer: socket }: WorkerDoors = {},
): Promise<OpenedDoors> {
  const metrics = metricRegistry(systemClock)
  const written = openLog(logging, seat)
  const log = countedLog(written, metrics)
  const worker = seat?.worker ?? 1
  const store = await openStore({ path: storing.path, clock: systemClock, log })
  const traces = await openTraces(tracing, log)
  const { servers, timeoutMs } = dns
  const named = servers.length === 0 ? {} : { servers }
  const asked = timedDns(nodeDns({ timeoutMs, ...named }), metrics, systemClock)
  const names = countedDns(cachingDns(asked, { clock: systemClock }), metrics)
  const jobs = nodeJobs({ clock: systemClock, dns: names })
  const unwatch = watchProcess(metrics, { worker, clock: systemClock, process: hostProcess })
  metrics.watch((report) => {
    const { busy, waiting, started } = jobs.status
    report(worldMetrics.jobsBusy, busy)
    report(worldMetrics.jobsWaiting, waiting)
    report(worldMetrics.jobThreads, started)
    report(spoolMetrics.storeWaiting, store.waiting)
    report(spoolMetrics.storeDropped, store.dropped)
    report(spoolMetrics.storeFailing, store.trouble === undefined ? 0 : 1)
    report(worldMetrics.logFailing, written.trouble === undefined ? 0 : 1)
    report(worldMetrics.logLost, written.lostLines)
  })
  metrics.watch(async (report) => {
    const aside = await databasesSetAside(systemDisk, { store: storing, traces: tracing })
    report(spoolMetrics.storeDamaged, aside.length)
  })
  const programs = nodePrograms(systemClock)
  const deliverer =
    socket === undefined ? undefined : delivererClient({ net: nodeNet, path: socket })
  const accounts = nodeAccounts({ path: who.path, clock: systemClock, busyMs: accountsMs })
  return {
    doors: {
      accounts,
      clock: systemClock,
      continuations: spoolContinuations({
        disk: systemDisk,
        clock: systemClock,
        random: systemRandom,
        path: spool.path,
        variables: queueVariables(folder),
      }),
      counters,
      disk: systemDisk,
      dns: names,
      jobs,
      secureDns: nodeSecureDns({ timeoutMs, ...named }),
      log,
      metrics,
      mailboxes: mailboxRoom(
        { disk: systemDisk, clock: systemClock, random: systemRandom },
        delivery.maildirs,
      ),
      net: nodeNet,
      process: hostProcess,
      programs: deliverer === undefined ? programs : withLoginPrograms(programs, deliverer),
      ...(deliverer === undefined ? {} : { deliverer }),
      random: systemRandom,
      store,
      traces,
    },
    async close() {
      unwatch()
      await jobs.close()
      await store.close()
      await traces.close()
      await accounts.close()
      await written.close()
    },
  }
}

/** How a program that runs in place of qmail-queue finds ours, by a path without arguments. */
function queueVariables(folder: string): ReadonlyMap<string, string> {
  const program = fileURLToPath(new URL('../../bin/qmail-queue', import.meta.url))
  return new Map([
    ['QMAILQUEUE', program],
    ['DKQUEUE', program],
    ['POSTERN_CONFIG', resolve(folder)],
  ])
}
