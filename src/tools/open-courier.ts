/** The courier with everything it needs; what the control files say it asks for anew each time. */
import type { Configuration } from '../config/configuration.ts'
import type { Attempt, AttemptObserver } from '../delivery/attempt.ts'
import { Courier, type CourierLimits } from '../delivery/courier.ts'
import { deliveryMeter } from '../delivery/delivery-meter.ts'
import { routerWithMailboxes } from '../delivery/mailboxes/mailbox-router.ts'
import type { Pauses } from '../delivery/pauses.ts'
import { createRouter } from '../delivery/router.ts'
import type { Router } from '../delivery/transport.ts'
import { AttemptRecorder } from '../filter/attempts.ts'
import type { Generation } from '../filter/generation.ts'
import { formatMailbox, formatPath } from '../mail/address.ts'
import type { Doors } from '../runtime/doors.ts'
import type { HopTurns } from '../runtime/hop-turns.ts'
import type { SlotLeases } from '../runtime/slot-leases.ts'
import { destinationLimits } from './destination-limits.ts'
import type { LocalUsers } from './local-users.ts'
import { openBouncer } from './open-bouncer.ts'
import { notificationRecorder } from './notification-recorder.ts'
import { openCarriers, type CarrierParts } from './open-carriers.ts'
import { routerWithPlugins } from './plugin-delivery.ts'
import { routingTables } from './routing-tables.ts'
import { signedPost } from './signed-post.ts'

export interface CourierParts extends CarrierParts {
  readonly pauses: Pauses
  readonly users: LocalUsers
  /** Told of each try; it must not throw. */
  readonly observer?: AttemptObserver
  /** Absent where there is one worker. */
  readonly turns?: HopTurns | undefined
  /** Likewise. */
  readonly slots?: SlotLeases | undefined
}

/** What finding a route needs of all that. */
export interface RouterParts extends Pick<CourierParts, 'current'> {
  readonly doors: Pick<Doors, 'accounts' | 'clock'>
  readonly generation: () => Pick<Generation, 'entries'>
  readonly users: Pick<LocalUsers, 'directory'>
}

/** Plugins are asked first. */
export function openRouter({
  doors: { accounts, clock },
  current,
  generation,
  users,
}: RouterParts): Router {
  const { maildirs: mailRoot } = current().delivery
  const tables = () => routingTables(current())
  const ours = createRouter({ mailRoot, tables, users: () => users.directory })
  const router = routerWithMailboxes({ accounts, mailRoot, tables }, ours)
  return routerWithPlugins({ generation, clock }, router)
}

/** Messages under way at a time, those included that wait for a slot: of all others only the index entry is in memory. */
const messagesUnderWay = 10_000

export function openCourier(parts: CourierParts): Courier {
  const { queue, doors, current, generation, pauses, users, turns, slots } = parts
  const { clock, random, log, disk } = doors
  const meter = deliveryMeter(doors.metrics)
  const recorder = new AttemptRecorder(doors.traces)
  const tells = notificationRecorder(recorder, clock)
  return new Courier({
    queue,
    clock,
    log,
    router: openRouter({ doors, current, generation, users }),
    pauses,
    turns,
    slots,
    carriers: openCarriers(parts, meter),
    bouncer: openBouncer({
      queue: signedPost({ ...parts, hostname: () => current().control.me }),
      disk,
      clock,
      random,
      log,
      current,
      queued(notification) {
        meter.bounced(notification.held ? 'held' : 'sent')
        tells(notification)
      },
    }),
    destination: (route) => destinationLimits(route, current()),
    limits: () => limitsOf(current()),
    observer: {
      attempted(attempt, entry) {
        meter.attempted(attempt)
        parts.observer?.attempted(attempt, entry)
        recorder.record(recorded(attempt, entry))
      },
    },
  })
}

function limitsOf({ control, delivery }: Configuration): CourierLimits {
  const { concurrencyLocal, concurrencyRemote, queueLifetimeSeconds } = control
  return {
    local: concurrencyLocal,
    remote: concurrencyRemote,
    messages: messagesUnderWay,
    lifetimeMs: queueLifetimeSeconds * 1000,
    delayNoticeMs: delivery.delayNoticeMs,
  }
}

function recorded(
  attempt: Attempt,
  { envelope, receivedAt }: Parameters<AttemptObserver['attempted']>[1],
): Parameters<AttemptRecorder['record']>[0] {
  const { queueId, recipient, routeKey, result, startedAt, durationMs } = attempt
  const { outcome, status } = result
  const note = outcome === 'delivered' && result.note !== undefined ? ` (${result.note})` : ''
  return {
    queueId,
    recipient: formatMailbox(recipient.mailbox),
    reversePath: formatPath(envelope.reversePath),
    receivedAt,
    route: routeKey ?? '',
    outcome,
    status,
    text: `${result.text}${note}`,
    ...(outcome === 'delivered' && result.ledTo !== undefined ? { ledTo: result.ledTo } : {}),
    startedAt,
    durationMs,
  }
}
