/** Who looks at the whole gateway: the worker that leads, from the numbers of all of them. */
import type { Configuration } from '../config/configuration.ts'
import { AlertWatch, type AlertReport } from '../alerts/watch.ts'
import type { AlertLetter } from '../alerts/words.ts'
import type { ControlHandler } from '../control/control.ts'
import type { JsonValue } from '../mail/json.ts'
import { post } from '../quarantine/post.ts'
import type { Queue } from '../queue/queue.ts'
import type { Doors } from '../runtime/doors.ts'
import { mergeSnapshots } from '../runtime/metrics/merge.ts'
import type { Seat } from '../workers/messages.ts'
import { metricsOfWorkers } from './gather-metrics.ts'
import { bounceSettings } from './open-bouncer.ts'

export interface AlertParts {
  readonly doors: Doors
  readonly queue: Pick<Queue, 'begin'>
  readonly current: () => Configuration
  readonly seat: Pick<Seat, 'workers' | 'shards'>
  /** The path of the spool that all workers have. */
  readonly wholeSpool: string
}

/** @returns the watch, which does not look yet */
export function openAlerts(parts: AlertParts): AlertWatch {
  const { doors, current, seat, wholeSpool: spool } = parts
  const { clock, log, metrics, net, process, store } = doors
  return new AlertWatch({
    clock,
    log,
    metrics,
    net,
    memory: store.table('alerts', { maxEntries: 10 }),
    settings: () => current().alerts,
    hostname: () => current().control.me,
    snapshot: async () => {
      const own = await metrics.snapshot()
      if (seat.workers === 1) return own
      return mergeSnapshots([own, ...(await metricsOfWorkers(doors, { spool, but: seat.shards }))])
    },
    send: (letter) => sendLetter(letter, parts),
    supervisor: process.parentPid,
  })
}

/** Through our own queue, to everybody who is named. */
async function sendLetter(
  letter: AlertLetter,
  { doors, queue, current }: AlertParts,
): Promise<void> {
  const { hostname, from } = bounceSettings(current())
  for (const to of current().alerts?.to ?? []) {
    await post(
      { ...doors, queue },
      { hostname, from, to, ...letter, kind: 'auto-generated', program: 'alerts' },
    )
  }
}

/** What `postern alerts` asks for. */
export function alertsHandler(watch: AlertWatch): ControlHandler {
  return async (of) => asJson(of === 'test' ? await watch.test() : watch.report)
}

function asJson({ configured, active, untold, trouble }: AlertReport): JsonValue {
  return { configured, active, untold, ...(trouble === undefined ? {} : { trouble }) }
}
