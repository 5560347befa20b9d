/**
 * The program of a worker process: a gateway that does what its supervisor says, in the order in which it is said.
 * Signals are the supervisor's: a terminal or a service manager sends them to everybody. Without a supervisor it ends
 * at once; what it has promised is on the disk.
 */
import { openGateway, type Gateway } from './compose.ts'
import { systemClock } from './runtime/node/clock.ts'
import { hostProcess } from './runtime/node/process.ts'
import { supervisorChannel } from './runtime/node/workers.ts'
import { AskedCounters } from './workers/asked-counters.ts'
import type { FromWorker, Seat, ToWorker, WorkerReport } from './workers/messages.ts'

const supervisor = supervisorChannel<FromWorker, ToWorker>()
const counters = new AskedCounters(systemClock, (questions) =>
  supervisor.send({ say: 'count', questions }),
)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGALRM'] as const) {
  hostProcess.onSignal(signal, () => undefined)
}
/** Undefined where the configuration does not allow one. */
const opening = Promise.withResolvers<Gateway | undefined>()
let told: Promise<void> = Promise.resolve()

supervisor.attach({
  heard(message) {
    if (message.say === 'counted') counters.answered(message.answers)
    else told = told.then(() => obey(message)).catch(died)
  },
  closed: () => process.exit(1),
})

async function obey(message: Exclude<ToWorker, { say: 'counted' }>): Promise<void> {
  if (message.say === 'open') return open(message.folder, message.seat)
  const gateway = await opening.promise
  if (gateway === undefined) return message.say === 'stop' ? process.exit(1) : undefined
  switch (message.say) {
    case 'suspect':
      return gateway.suspect(message.suspects)
    case 'adopt':
      return gateway.adopt(message.shard)
    case 'reload':
      return gateway.reload()
    case 'retry':
      return gateway.retryNow()
    case 'stop':
      await gateway.close(message.graceMs)
      return process.exit(0)
  }
}

async function open(folder: string, seat: Seat): Promise<void> {
  const shared = seat.workers === 1 ? undefined : counters
  const { gateway, mistakes, doubts } = await openGateway(folder, seat, shared)
  if (gateway === undefined) {
    supervisor.send({ say: 'refused', mistakes, doubts })
    opening.resolve(undefined)
    return
  }
  const { hostname, maildirs, spool, entries } = gateway
  const listeners = gateway.listeners.map(({ name, address }) => ({ name, address }))
  const report: WorkerReport = { hostname, maildirs, spool, entries, listeners, doubts }
  supervisor.send({ say: 'opened', report })
  opening.resolve(gateway)
}

/** A bug: the supervisor sees it by the end of the process. */
function died(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`)
  process.exit(1)
}
