/** Carries mail to users of this host as qmail-lspawn and qmail-local do, one recipient after the other. */
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import { doubleBounceUser } from '../../mail/double-bounce.ts'
import type { Envelope, Recipient } from '../../mail/envelope.ts'
import type { LocalRoute } from '../../mail/route.ts'
import type { TransientStatus } from '../../mail/status.ts'
import { latin1Bytes, readable, utf8Octets } from '../../formats/octets.ts'
import { requireTlsVariable } from '../../formats/require-tls-variable.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Delivery, Transport } from '../transport.ts'
import { lfLines } from '../../formats/lf-lines.ts'
import {
  deliverLocally,
  type LocalDelivery,
  type LocalDoors,
  type LocalListener,
} from './local-delivery.ts'
import type { Becoming } from './become-user.ts'
import { neverAs } from './as-user.ts'
import type { ProgramReport } from './local-program.ts'
import { localReport } from './report.ts'
import { localResult } from './local-result.ts'

export interface LocalTransportOptions {
  readonly doors: LocalDoors & { readonly clock: Clock }
  /** Who we are: nobody else's mail can be written. `undefined`: the system does not tell. */
  readonly uid: number | undefined
  readonly settings: () => LocalSettings
  /** How mail reaches others than ourselves: by a process of theirs, which root starts. Absent: not at all. */
  readonly becoming?: Becoming | undefined
}

export interface LocalSettings {
  /** Instructions for users without a .qmail file. */
  readonly defaultDelivery: string
  /** What programs see beside the variables of a delivery. */
  readonly environment: ReadonlyMap<string, string>
  /** One delivery may take so long, all of its programs together. */
  readonly timeoutMs: number
  /** What each process of a program may hold in memory; undefined: no limit. */
  readonly memoryBytes?: number | undefined
  /** As `LocalDelivery.mostProcesses`. */
  readonly mostProcesses?: number | undefined
}

export function localTransport(options: LocalTransportOptions): Transport<LocalRoute> {
  return {
    async deliver(delivery, signal) {
      const results: DeliveryResult[] = []
      for (const recipient of delivery.recipients) {
        // oxlint-disable-next-line no-await-in-loop -- the same user's files, in order
        results.push(await deliverOne({ ...delivery, recipient }, options, signal))
      }
      return results
    },
  }
}

async function deliverOne(
  { message, envelope, route, recipient }: Delivery<LocalRoute> & { readonly recipient: Recipient },
  options: LocalTransportOptions,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const { doors, uid, settings, becoming } = options
  if (signal.aborted) return deferred('4.3.2', 'The delivery was called off')
  const refusal = neverAs(route)
  // Who writes as himself anyhow may well be of the group of root: in a container, for one.
  if (refusal !== undefined && (becoming !== undefined || route.uid === 0))
    return deferred('4.2.1', refusal)
  if (becoming === undefined && uid !== undefined && uid !== route.uid) {
    return deferred('4.3.0', `This gateway may not write mail of the user ${route.user}.`)
  }
  const { timeoutMs, ...how } = settings()
  const { user, home, local, dash, extension, domain: host } = route
  const delivery: LocalDelivery = {
    address: { user, home, local, dash, extension, host, sender: senderOf(envelope) },
    message: () => lfLines(message.read()),
    received: { envelope, recipient },
    ...how,
    environment: envelope.requireTls
      ? new Map([...how.environment, [requireTlsVariable, '1']])
      : how.environment,
  }
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  let isLate = false
  const timer = doors.clock.after(timeoutMs, () => {
    isLate = true
    abort()
  })
  signal.addEventListener('abort', abort, { once: true })
  try {
    const result =
      becoming === undefined
        ? await asOurselves(delivery, doors, controller.signal)
        : await becoming(delivery, route, controller.signal)
    return isLate && result.outcome === 'deferred' ? late(timeoutMs) : result
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', abort)
  }
}

async function asOurselves(
  delivery: LocalDelivery,
  doors: LocalDoors,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const reports: ProgramReport[] = []
  const listener: LocalListener = {
    instruction: () => undefined,
    programWrote: (report) => reports.push(report),
    warning: () => undefined,
  }
  const unlimited = { ...delivery, mostProcesses: undefined }
  const outcome = await deliverLocally(unlimited, { doors, listener, signal, dryRun: false })
  const { exit, out, err } = localReport(outcome)
  const said = Buffer.concat(reports.flatMap((report) => [report.out, report.err]))
  const text = readable(said) + readable(latin1Bytes(out + err))
  return localResult(exit, text, outcome.ok ? outcome : {})
}

function late(timeoutMs: number): DeliveryResult {
  return deferred('4.3.0', `The delivery took longer than ${timeoutMs / 1000} s and was called off`)
}

function deferred(status: TransientStatus, text: string): DeliveryResult {
  return { outcome: 'deferred', status, text }
}

/** As qmail has it: without quotes and brackets. */
function senderOf({ reversePath, user }: Envelope): string {
  if (reversePath === null) return user === doubleBounceUser ? doubleBounceUser : ''
  const { localPart, domain } = reversePath
  return utf8Octets(domain === '' ? localPart : `${localPart}@${domain}`)
}
