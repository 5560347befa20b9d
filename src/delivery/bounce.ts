/**
 * Tells the sender of a message what became of it: one notification for each message and pass, through the queue's
 * front door, with the null reverse-path. A notification that fails is told to the postmaster (a double bounce), and
 * if that fails too it is dropped and logged, so that no two gateways send each other bounces for ever. A failure
 * whose sender may be forged is told on hold: it waits in the queue for an operator.
 */
import { formatPath, type Mailbox } from '../mail/address.ts'
import { doubleBounceUser } from '../mail/double-bounce.ts'
import {
  buildDsn,
  returnsBody,
  type BounceFormat,
  type DsnFacts,
  type DsnRecipient,
} from '../mail/dsn.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import { sevenBitDsn } from '../mail/seven-bit-dsn.ts'
import type { ByteRange, Message } from '../mail/message.ts'
import type { Entry, Placement, Queue } from '../queue/queue.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import { addressees, dsnRecipient, isWanted, type Report } from './notices.ts'

export interface BounceSettings {
  /** Our own name. */
  readonly hostname: string
  /** What bounces come from: control/bouncefrom at control/bouncehost. */
  readonly from: Mailbox
  /** Where bounces that bounce go: control/doublebounceto at control/doublebouncehost; absent: nowhere. */
  readonly doubleBounceTo?: Mailbox
  /** Without it `both`. */
  readonly format?: BounceFormat
  /** Larger messages are returned without their body; a header that is larger by itself is cut. */
  readonly maxBytes: number
  /** Whose an address is that failures are told to; absent: what it says. */
  readonly senderBehind?: (mailbox: Mailbox) => Promise<Mailbox>
  /** Whether the failure of a message that nobody logged in for waits for an operator. */
  readonly holds: (recipient: Recipient) => boolean
}

export interface BouncerOptions {
  readonly queue: Pick<Queue, 'begin'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Asked for each bounce. */
  readonly settings: () => BounceSettings
  /** Told of each notification that is queued. */
  readonly queued?: (notification: QueuedNotification) => void
}

export interface QueuedNotification {
  /** What it tells of. */
  readonly about: Entry
  readonly to: Mailbox
  /** Of the notification, as a message of its own. */
  readonly id: string
  /** It waits for an operator. */
  readonly held: boolean
}

export interface Bouncer {
  /**
   * Resolves when the notification is promised, or when there is nobody to tell.
   * @param how `released`: an operator wants it told, and it is not held
   * @throws PosternError what the queue throws: then nobody was told, and failures must not be settled yet
   */
  tell(entry: Entry, reports: readonly Report[], how?: 'released'): Promise<void>
}

/** What the reason of a held notification begins with: by this it is found again. */
export const heldBounceReason = 'bounce_unauthenticated: '

interface Notice {
  readonly to: Mailbox
  readonly recipients: readonly [DsnRecipient, ...DsnRecipient[]]
  readonly held: boolean
}

interface Posted {
  readonly bytes: Uint8Array
  readonly envelope: Envelope & { readonly recipients: readonly [Recipient] }
  readonly held: boolean
  /** How many recipients it tells of. */
  readonly about: number
  readonly isDouble: boolean
}

export function createBouncer(options: BouncerOptions): Bouncer {
  const { queue, clock, random, log, settings, queued } = options

  const send = async (entry: Entry, { to, recipients, held }: Notice): Promise<void> => {
    const { hostname, from, maxBytes, format } = settings()
    const { envelope, receivedAt } = entry
    const id = `${entry.id}-${Buffer.from(random.bytes(6)).toString('hex')}`
    const original = await returned(entry, recipients, maxBytes)
    const facts = { id, at: clock.now(), hostname, from, to, envelope, arrivedAt: receivedAt }
    const dsn = buildDsn({ ...facts, recipients, original }, format)
    const isDouble = envelope.reversePath === null
    await post(entry, {
      bytes: dsn.bytes,
      held,
      about: recipients.length,
      isDouble,
      envelope: {
        reversePath: null,
        recipients: [{ mailbox: to }],
        bodyType: dsn.bodyType,
        smtputf8: dsn.smtputf8,
        requireTls: envelope.requireTls,
        ...(isDouble ? { user: doubleBounceUser } : {}),
      },
    })
  }

  const post = async (
    entry: Entry,
    { bytes, envelope, held, about, isDouble }: Posted,
  ): Promise<void> => {
    const draft = queue.begin()
    try {
      await draft.write(bytes)
      await draft.end()
      const placement = { ...dispositionOf(entry, held), headerEdits: [], envelope }
      const receipt = await draft.commit([placement])
      const [id] = receipt.ids
      const { mailbox: to } = envelope.recipients[0]
      queued?.({ about: entry, to, id, held })
      log.info(held ? 'bounce.held' : 'bounce.queued', {
        queueId: entry.id,
        bounceId: id,
        to: formatPath(to),
        recipients: about,
        double: isDouble,
        sizeBytes: entry.message.sizeBytes,
      })
    } finally {
      draft.abort()
    }
  }

  /** A notification of ours that a next hop without 8BITMIME does not take goes once more, in ASCII alone. */
  const sendAgain = async (entry: Entry, failures: readonly Report[]): Promise<boolean> => {
    const [failure, another] = failures
    if (failure === undefined || another !== undefined || !isUnfit(entry, failure)) return false
    const bytes = sevenBitDsn(Buffer.concat(await chunks(entry.message, wholeOf(entry.message))))
    if (bytes === undefined) return false
    await post(entry, {
      bytes,
      held: false,
      about: 1,
      isDouble: entry.envelope.user === doubleBounceUser,
      envelope: {
        ...entry.envelope,
        recipients: [failure.recipient],
        bodyType: '7bit',
        smtputf8: false,
      },
    })
    return true
  }

  return {
    async tell(entry, reports, how) {
      const { doubleBounceTo, holds, senderBehind } = settings()
      const { ofFailures, ofProgress } = addressees(entry.envelope, doubleBounceTo)
      const wanted = reports.filter(isWanted)
      const failures = wanted.filter(({ result }) => result.outcome === 'failed')
      if (await sendAgain(entry, failures)) return
      const progress = wanted.filter(({ result }) => result.outcome !== 'failed')
      if (ofFailures === undefined && failures.length > 0) drop(entry, failures, log)
      const mayHold = how !== 'released' && mayBeForged(entry.envelope)
      const isHeld = ({ recipient }: Report): boolean => mayHold && holds(recipient)
      const told = failures.filter((failure) => !isHeld(failure))
      for (const notice of [
        notify(ofFailures, failures.filter(isHeld), true),
        ofFailures === ofProgress
          ? notify(ofFailures, [...told, ...progress], false)
          : notify(ofFailures, told, false),
      ]) {
        if (notice === undefined) continue
        const to = (await senderBehind?.(notice.to)) ?? notice.to
        await send(entry, { ...notice, to })
      }
    },
  }
}

function notify(
  to: Mailbox | undefined,
  reports: readonly Report[],
  held: boolean,
): Notice | undefined {
  const [first, ...rest] = reports.map(dsnRecipient)
  return to === undefined || first === undefined
    ? undefined
    : { to, recipients: [first, ...rest], held }
}

/** A login proves who sent it, and a bounce that bounces goes to our own postmaster. */
function mayBeForged({ reversePath, user }: Envelope): boolean {
  return reversePath !== null && user === undefined
}

function dispositionOf(entry: Entry, held: boolean): Pick<Placement, 'disposition' | 'reason'> {
  if (!held) return { disposition: 'deliver' }
  const reason = `${heldBounceReason}nobody logged in to send ${entry.id}, its reverse-path may be forged`
  return { disposition: 'hold', reason }
}

/** What `fit` says of a hop that does not know 8BITMIME, or SMTPUTF8; of mail that nobody outside has written. */
function isUnfit(
  { envelope: { reversePath, origin }, message }: Entry,
  { result: { outcome, status } }: Report,
): boolean {
  const isUnfitStatus = outcome === 'failed' && (status === '5.6.3' || status === '5.6.7')
  return isUnfitStatus && message.eightBit && reversePath === null && origin === undefined
}

function wholeOf({ sizeBytes }: Message): ByteRange {
  return { offset: 0, length: sizeBytes }
}

function drop(entry: Entry, failures: readonly Report[], log: Log): void {
  const recipients = failures.map(({ recipient }) => formatPath(recipient.mailbox))
  log.warn('bounce.dropped', { queueId: entry.id, recipients: recipients.slice(0, 10) })
}

async function returned(
  { envelope, message }: Entry,
  recipients: Notice['recipients'],
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
