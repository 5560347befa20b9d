/** What an operator has in hand of a running gateway: its queue, its quarantine, its numbers over the control socket; and a word of held bounces and of alerts. */
import type { Courier } from '../delivery/courier.ts'
import { HeldDigest } from '../delivery/held-digest.ts'
import { TlsReporter } from '../delivery/tls-rpt/reporter.ts'
import { QueueDesk } from '../delivery/queue-desk.ts'
import { bounceSettings, openBouncer } from './open-bouncer.ts'
import { alertsHandler, openAlerts, type AlertParts } from './open-alerts.ts'
import type { JsonValue } from '../mail/json.ts'
import type { Queue } from '../queue/queue.ts'
import type { Archive } from '../runtime/archive.ts'
import type { QueueFlush } from '../smtp/queue-flush.ts'
import { openControl } from './open-control.ts'
import { openRouter, type CourierParts } from './open-courier.ts'
import { signedPost } from './signed-post.ts'
import { openDialIn } from './open-dial-in.ts'
import { OtherWorkers } from './other-workers.ts'
import { openQuarantine, type QuarantineParts } from './open-quarantine.ts'

export interface SteeringParts extends CourierParts {
  readonly courier: Courier
  /** Of the worker's own shard: each worker steers what it delivers. */
  readonly spool: string
  /** Of all workers. */
  readonly wholeSpool: string
  readonly seat: QuarantineParts['seat'] & AlertParts['seat']
}

export interface Steering {
  /** For ETRN, and for clients that leave. */
  readonly queueFlush: QueueFlush
  close(): Promise<void>
}

export async function openSteering(parts: SteeringParts): Promise<Steering> {
  const { queue, doors, current, courier, pauses, seat, spool } = parts
  const { clock, disk, log, random, store } = doors
  const outbox = signedPost({ ...parts, hostname: () => current().control.me })
  const desk = new QueueDesk({
    queue,
    clock,
    log,
    pauses,
    router: openRouter(parts),
    bouncer: openBouncer({ queue: outbox, disk, clock, log, random, current }),
    paused: () => courier.pausesChanged(),
    hurried: () => courier.forgetDownHops(),
  })
  // Whoever asks by ETRN is there: a next hop that did not answer is called again.
  const flushed: Pick<Queue, 'entries' | 'change'> = {
    entries: (selector) => queue.entries(selector),
    change(...change) {
      courier.forgetDownHops()
      return queue.change(...change)
    },
  }
  const others = new OtherWorkers({ doors, queue: flushed, seat, spool: parts.wholeSpool })
  const digest = new HeldDigest({
    queue: { begin: () => outbox.begin(), entries: (selector) => queue.entries(selector) },
    clock,
    log,
    memory: store.table('bounce-digest', { maxEntries: 10 }),
    settings: () => bounceSettings(current()),
    others: () => others.heldBounces(),
  })
  // One letter is enough.
  if (seat.number === 1) digest.start()
  const reporter = openReporter(parts)
  reporter?.start()
  const quarantine = openQuarantine(parts)
  quarantine.keeper.start()
  const alerts = openAlerts({ ...parts, queue: outbox })
  alerts?.start()
  const control = await openControl({
    doors,
    spool,
    desk,
    quarantine: quarantine.desk,
    others: [
      ['metrics', () => doors.metrics.snapshot()],
      ['traces', () => writeTraces(doors.traces)],
      ...others.verbs,
      ...(alerts === undefined ? [] : [['alerts', alertsHandler(alerts)] as const]),
    ],
  })
  const dialIn = openDialIn({ ...parts, flushed, outbox, others })
  return {
    queueFlush: dialIn,
    async close() {
      await dialIn.close()
      await control?.close()
      await alerts?.stop()
      await digest.stop()
      await reporter?.stop()
      await quarantine.keeper.stop()
    },
  }
}

/** Of any question to the archive what was gathered before is written first. */
async function writeTraces(traces: Archive): Promise<JsonValue> {
  const { newest } = await traces.extent()
  return { newest }
}

/** The store is everybody's: the first worker reports for all. */
function openReporter(parts: SteeringParts): TlsReporter | undefined {
  const { doors, current, seat } = parts
  if (seat.number > 1) return undefined
  const { store, dns, clock, random, log } = doors
  return new TlsReporter({
    queue: signedPost({ ...parts, hostname: () => current().control.me }),
    store,
    dns,
    clock,
    random,
    log,
    submitter() {
      const configuration = current()
      if (!configuration.delivery.tls.reports) return undefined
      const { hostname, doubleBounceTo } = bounceSettings(configuration)
      return doubleBounceTo === undefined ? undefined : { hostname, contact: doubleBounceTo }
    },
  })
}
