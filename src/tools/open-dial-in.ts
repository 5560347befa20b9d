/** Sends the Maildirs of `delivery.dial_in`: by SMTP as the courier does, bounces by the queue's front door. */
import type { DialInHost } from '../config/dial-in-section.ts'
import { smtpTransport } from '../delivery/transport/smtp.ts'
import { utf8Octets } from '../formats/octets.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Queue } from '../queue/queue.ts'
import { doubleBounceUser } from '../mail/double-bounce.ts'
import { isPosternError } from '../mail/errors.ts'
import { systemFileLocks } from '../runtime/node/file-locks.ts'
import { DialIn } from './dial-in.ts'
import { flushQueue } from './flush-queue.ts'
import type { OtherWorkers } from './other-workers.ts'
import { bounceSettings } from './open-bouncer.ts'
import { smtpSettings } from './open-carriers.ts'
import type { CourierParts } from './open-courier.ts'
import { serialBounce } from './serial-bounce.ts'
import type { FrontDoor } from './signed-post.ts'
import { sendMaildir, serialLifetimeMs, waitingIn, type SerialMail } from './serial-maildir.ts'

export interface DialInDoors extends Pick<CourierParts, 'doors' | 'current'> {
  /** What is tried now. */
  readonly flushed: Pick<Queue, 'entries' | 'change'>
  /** Where bounces are posted. */
  readonly outbox: FrontDoor
  readonly others: OtherWorkers
}

export function openDialIn(parts: DialInDoors): DialIn {
  const { flushed, doors, current, others } = parts
  const { clock, disk, log } = doors
  return new DialIn({
    queue: flushQueue(flushed, (node) => others.flush(node)),
    hosts: () => current().delivery.dialIn,
    waiting: async ({ maildir: folder }) => (await waitingIn({ disk, folder })).length,
    send: (host, to, signal) => sendTo(parts, host, { to, signal }),
    clock,
    log,
  })
}

interface Journey {
  readonly to: NonNullable<DialInHost['to']>
  readonly signal: AbortSignal
}

/** Another process may be at it (setlock, another worker): then it is left to that. */
const lockTimeoutMs = 1_000

async function sendTo(
  parts: DialInDoors,
  { maildir: folder, prefix }: DialInHost,
  { to, signal }: Journey,
): Promise<void> {
  const { doors, current } = parts
  const { net, dns, clock, random, log, disk } = doors
  if ((await waitingIn({ disk, folder })).length === 0) return
  const lock = await systemFileLocks.take(`${folder}.lock`, lockTimeoutMs, true)
  const settings = smtpSettings(current, net)
  const transport = smtpTransport({ net, dns, clock, random, log, settings })
  const route = { transport: 'smtp', key: `dial_in:${to.host}`, lookup: 'host', ...to } as const
  try {
    await sendMaildir({
      disk,
      folder,
      prefix: utf8Octets(prefix),
      now: () => clock.now(),
      lifetimeMs: serialLifetimeMs,
      signal,
      async deliver({ message, envelope }) {
        const { recipients } = envelope
        const delivery = { queueId: 'dial_in', message, envelope, recipients, route }
        const [result] = await transport.deliver(delivery, signal)
        if (result === undefined) throw new Error('a delivery without a result')
        return result
      },
      bounce: (mail, result) => bounce(parts, mail, result),
      told: (name, outcome, text) =>
        log.info('dial_in.tried', { maildir: folder, host: to.host, file: name, outcome, text }),
    })
  } finally {
    transport.close?.()
    await lock.release()
  }
}

/** @returns whether it is promised; where nobody is to be told, it counts as that */
async function bounce(
  { outbox, doors: { clock, log }, current }: DialInDoors,
  mail: SerialMail,
  result: DeliveryResult,
): Promise<boolean> {
  const settings = bounceSettings(current())
  const made = await serialBounce(mail, result, { settings, now: clock.now() })
  if (made === undefined) return true
  const { to, dsn } = made
  const draft = outbox.begin()
  try {
    await draft.write(dsn.bytes)
    await draft.end()
    await draft.commit([
      {
        disposition: 'deliver',
        headerEdits: [],
        envelope: {
          reversePath: null,
          recipients: [{ mailbox: to }],
          bodyType: dsn.bodyType,
          smtputf8: dsn.smtputf8,
          requireTls: false,
          ...(mail.envelope.reversePath === null ? { user: doubleBounceUser } : {}),
        },
      },
    ])
    return true
  } catch (error) {
    if (!isPosternError(error)) throw error
    log.error('dial_in.bounce-failed', { error: error.message })
    return false
  } finally {
    draft.abort()
  }
}
