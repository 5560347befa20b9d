/**
 * Tells the sender of a message what could not be delivered: one notification for each message and pass,
 * through the queue's front door, with the null reverse-path. A notification that fails is told to the
 * postmaster (a double bounce), and if that fails too it is dropped and logged, so that no two gateways
 * send each other bounces for ever.
 */
import { formatPath, type Mailbox } from '../mail/address.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import { buildDsn, returnsBody, type DsnFacts, type DsnRecipient } from '../mail/dsn.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { Instant } from '../mail/instant.ts'
import type { ByteRange, Message } from '../mail/message.ts'
import type { Entry, Queue } from '../queue/queue.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'

export interface BounceSettings {
  /** Our own name. */
  readonly hostname: string
  /** What bounces come from: control/bouncefrom at control/bouncehost. */
  readonly from: Mailbox
  /** Where bounces that bounce go: control/doublebounceto at control/doublebouncehost; absent: nowhere. */
  readonly doubleBounceTo?: Mailbox
  /** Larger messages are returned without their body; a header that is larger by itself is cut. */
  readonly maxBytes: number
}

export interface BouncerOptions {
  readonly queue: Pick<Queue, 'begin'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Asked for each bounce. */
  readonly settings: () => BounceSettings
}

/** A recipient who will never be delivered to. */
export interface Failure {
  readonly recipient: Recipient
  readonly result: DeliveryResult
  /** When it was tried. */
  readonly at: Instant
}

export interface Bouncer {
  /**
   * Resolves when the notification is promised, or when there is nobody to tell.
   * @throws PosternError what the queue throws: then nobody was told, and the failures must not be settled yet
   */
  bounce(entry: Entry, failures: readonly Failure[]): Promise<void>
}

/**
 * The `user` of a double bounce, qmail's `#@[]`: no login is called that, and the mark survives a restart with
 * the envelope.
 */
export const doubleBounceUser = '#@[]'

export function createBouncer(options: BouncerOptions): Bouncer {
  const { queue, clock, random, log, settings } = options

  const notify = async (entry: Entry, to: Mailbox, recipients: Reported): Promise<void> => {
    const { hostname, from, maxBytes } = settings()
    const { envelope, message, receivedAt } = entry
    const id = `${entry.id}-${Buffer.from(random.bytes(6)).toString('hex')}`
    const original = await returned(entry, recipients, maxBytes)
    const facts = { id, at: clock.now(), hostname, from, to, envelope, arrivedAt: receivedAt }
    const dsn = buildDsn({ ...facts, recipients, original })
    const draft = queue.begin()
    try {
      await draft.write(dsn.bytes)
      await draft.end()
      const isDouble = envelope.reversePath === null
      const receipt = await draft.commit([
        {
          disposition: 'deliver',
          headerEdits: [],
          envelope: {
            reversePath: null,
            recipients: [{ mailbox: to }],
            bodyType: dsn.bodyType,
            smtputf8: dsn.smtputf8,
            requireTls: false,
            ...(isDouble ? { user: doubleBounceUser } : {}),
          },
        },
      ])
      log.info('bounce.queued', {
        queueId: entry.id,
        bounceId: receipt.ids[0],
        to: formatPath(to),
        recipients: recipients.length,
        double: isDouble,
        sizeBytes: message.sizeBytes,
      })
    } finally {
      draft.abort()
    }
  }

  return {
    async bounce(entry, failures) {
      const [first, ...rest] = failures.filter(wantsToKnow).map(reported)
      if (first === undefined) return
      const to = addressee(entry.envelope, settings())
      if (to !== undefined) return notify(entry, to, [first, ...rest])
      const recipients = [first, ...rest].map(({ recipient }) => formatPath(recipient.mailbox))
      log.warn('bounce.dropped', { queueId: entry.id, recipients: recipients.slice(0, 10) })
    },
  }
}

type Reported = readonly [DsnRecipient, ...DsnRecipient[]]

/** RFC 3461 §4.1: without NOTIFY a failure is told, with it only if it says so. */
function wantsToKnow({ recipient: { notify } }: Failure): boolean {
  return notify === undefined || notify.includes('failure')
}

function reported({ recipient, result, at }: Failure): DsnRecipient {
  return { recipient, result, lastAttemptAt: at }
}

/** Who is told, as qmail-send decides it; nobody of a double bounce. */
function addressee(
  { reversePath, user }: Envelope,
  { doubleBounceTo }: BounceSettings,
): Mailbox | undefined {
  if (reversePath === null) return user === doubleBounceUser ? undefined : doubleBounceTo
  return reversePath.localPart === '#' && reversePath.domain === '[]' ? undefined : reversePath
}

async function returned(
  { envelope, message }: Entry,
  recipients: Reported,
  maxBytes: number,
): Promise<DsnFacts['original']> {
  const { bodyOffset, sizeBytes } = message
  const headerBytes = Math.min(bodyOffset, maxBytes)
  const header = Buffer.concat(await chunks(message, { offset: 0, length: headerBytes }))
  if (!returnsBody({ envelope, recipients }, { sizeBytes, maxBytes })) return { header }
  const range = { offset: bodyOffset, length: sizeBytes - bodyOffset }
  return { header, body: await chunks(message, range) }
}

async function chunks(message: Message, range: ByteRange): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  for await (const chunk of message.read(range)) parts.push(chunk)
  return parts
}
