/** What an operator has in hand of a running gateway: its queue, its quarantine, its numbers over the control socket; and what one worker does for all. */
import type { Courier } from '../delivery/courier.ts'
import { QueueDesk } from '../delivery/queue-desk.ts'
import { openBouncer } from './open-bouncer.ts'
import type { JsonValue } from '../mail/json.ts'
import type { Queue } from '../queue/queue.ts'
import type { Archive } from '../runtime/archive.ts'
import type { QueueFlush } from '../smtp/queue-flush.ts'
import type { Seat } from '../workers/messages.ts'
import { openControl } from './open-control.ts'
import { openRouter, type CourierParts } from './open-courier.ts'
import { signedPost } from './signed-post.ts'
import { openDialIn } from './open-dial-in.ts'
import { Duties, type DutyParts } from './open-duties.ts'
import { OtherWorkers } from './other-workers.ts'
import { AttemptRecorder } from '../filter/attempts.ts'
import { notificationRecorder } from './notification-recorder.ts'
import { openQuarantine } from './open-quarantine.ts'

export interface SteeringParts extends CourierParts {
  readonly courier: Courier
  /** Of the worker's own shard: each worker steers what it delivers. */
  readonly spool: string
  /** Of all workers. */
  readonly wholeSpool: string
  readonly seat: DutyParts['seat'] & Pick<Seat, 'number' | 'leads'>
}

export interface Steering {
  /** For ETRN, and for clients that leave. */
  readonly queueFlush: QueueFlush
  /** What one worker does for all is done here from now on. */
  lead(): void
  close(): Promise<void>
}

export async function openSteering(parts: SteeringParts): Promise<Steering> {
  const { queue, doors, current, courier, pauses, seat, spool } = parts
  const { clock, disk, log, random } = doors
  const outbox = signedPost({ ...parts, hostname: () => current().control.me })
  const desk = new QueueDesk({
    queue,
    clock,
    log,
    pauses,
    router: openRouter(parts),
    bouncer: openBouncer({
      queue: outbox,
      disk,
      clock,
      log,
      random,
      current,
      queued: notificationRecorder(new AttemptRecorder(doors.traces), clock),
    }),
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
  const duties = new Duties({ ...parts, outbox, others })
  if (seat.leads === true) duties.begin()
  const quarantine = openQuarantine({ ...parts, leads: () => duties.areOurs })
  quarantine.keeper.start()
  const control = await openControl({
    doors,
    spool,
    desk,
    quarantine: quarantine.desk,
    others: [
      ['metrics', () => doors.metrics.snapshot()],
      ['traces', () => writeTraces(doors.traces)],
      ...others.verbs,
      ['alerts', duties.alertsVerb],
    ],
  })
  const dialIn = openDialIn({ ...parts, flushed, outbox, others })
  return {
    queueFlush: dialIn,
    lead: () => duties.begin(),
    async close() {
      await dialIn.close()
      await control?.close()
      await duties.stop()
      await quarantine.keeper.stop()
    },
  }
}

/** Of any question to the archive what was gathered before is written first. */
async function writeTraces(traces: Archive): Promise<JsonValue> {
  const { newest } = await traces.extent()
  return { newest }
}
