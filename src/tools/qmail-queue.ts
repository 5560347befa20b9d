/** Hands one message to the spool as qmail-queue does, answers included: for `postern qmail-queue`. */
import type { Envelope } from '../mail/envelope.ts'
import { errorMessage, isPosternError, type ErrorCode } from '../mail/errors.ts'
import { formatDate } from '../mail/trace-fields.ts'
import { continuationOf } from '../formats/continuation-token.ts'
import { CrlfLines } from '../formats/crlf-lines.ts'
import { envelopeOfQmail } from '../formats/qmail-envelope.ts'
import {
  parseQmailEnvelope,
  qmailQueueExit,
  type QmailEnvelope,
  type QmailQueueExit,
} from '../formats/qmail-queue-protocol.ts'
import { claimContinuation, type Claim } from '../queue/continuations.ts'
import { HandOver } from '../queue/hand-over.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { readDescriptor } from '../runtime/node/descriptor.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { readOffline } from './read-offline.ts'

export interface Handing {
  /** The configuration folder. */
  readonly config: string
  readonly message: AsyncIterable<Uint8Array>
  /** In qmail-queue's own form; read after the message. */
  readonly envelope: AsyncIterable<Uint8Array>
  readonly pid: number
  /** Who hands it over. */
  readonly uid: number
  /** By what a program that the gateway runs is known: it may bring a message back. */
  readonly continuation?: string | undefined
  /** It goes to nobody who does not promise TLS (RFC 8689). */
  readonly requireTls?: boolean
}

export interface Handed {
  readonly exit: QmailQueueExit
  /** For a log: what is wrong. */
  readonly problem?: string
}

/** More than any envelope needs. */
const maxEnvelopeBytes = 8 << 20
/** As long as qmail-queue waits. */
const patienceMs = 24 * 3_600_000

/** The descriptors on which qmail-queue reads. */
export function qmailQueueInput(): Pick<Handing, 'message' | 'envelope'> {
  return { message: readDescriptor(0), envelope: readDescriptor(1) }
}

/** Exit code 0 only once the message is on stable storage. Never throws, and takes a day at most. */
export async function handToQueue(handing: Handing): Promise<Handed> {
  const { promise: alarm, resolve } = Promise.withResolvers<Handed>()
  const timer = systemClock.after(patienceMs, () => resolve({ exit: qmailQueueExit.timeout }))
  try {
    return await Promise.race([hand(handing), alarm])
  } finally {
    timer.cancel()
  }
}

async function hand(handing: Handing): Promise<Handed> {
  let exits: Exits = beginning
  let handOver: HandOver | undefined
  try {
    const { spool, control } = readOffline(handing.config)
    handOver = await HandOver.begin({
      disk: systemDisk,
      clock: systemClock,
      random: systemRandom,
      path: spool.path,
    })
    exits = writing
    const parsed = await received(handing, handOver)
    if (!parsed.ok) return await refused(handOver, { exit: parsed.exit })
    if (parsed.envelope.recipients.length === 0) return await refused(handOver, { exit: 0 })
    const envelope = envelopeOfQmail(parsed.envelope, control.envNoAtHost)
    if (typeof envelope === 'string') {
      return await refused(handOver, { exit: qmailQueueExit.rejected, problem: envelope })
    }
    const { eightBit } = handOver
    const { uid, requireTls = false } = handing
    const whole: Envelope = {
      ...envelope,
      requireTls,
      bodyType: eightBit ? '8bitmime' : '7bit',
      user: envelope.user ?? `uid ${uid}`,
    }
    const claim = await claimOf(handing, parsed.envelope, spool.path)
    if (claim.claim === 'late') {
      const problem = 'the program that was given this message is over'
      return await refused(handOver, { exit: qmailQueueExit.notNow, problem })
    }
    if (claim.claim === 'granted') await handOver.handBack(whole, claim.path)
    else await handOver.commit(whole)
    return { exit: qmailQueueExit.queued }
  } catch (error) {
    const problem = errorMessage(error)
    const code = isPosternError(error) ? exits[error.code] : undefined
    const exit = error instanceof ReadError ? qmailQueueExit.readError : code
    return refused(handOver, { exit: exit ?? qmailQueueExit.bug, problem })
  }
}

function claimOf({ continuation }: Handing, envelope: QmailEnvelope, path: string): Promise<Claim> {
  const token = continuationOf(continuation)
  return token === undefined
    ? Promise.resolve({ claim: 'other' })
    : claimContinuation({ disk: systemDisk, path }, token, envelope)
}

type Exits = Readonly<Partial<Record<ErrorCode, QmailQueueExit>>>

const beginning: Exits = {
  CONFIG_INVALID: qmailQueueExit.noConfiguration,
  NOT_FOUND: qmailQueueExit.noSpool,
  SPOOL_NEWER: qmailQueueExit.noSpool,
  DISK_FULL: qmailQueueExit.noQueueFile,
  DISK_FAILED: qmailQueueExit.noQueueFile,
}

const writing: Exits = {
  DISK_FULL: qmailQueueExit.writeError,
  DISK_FAILED: qmailQueueExit.writeError,
}

/** A descriptor fails like a disk; what it means is another thing. */
class ReadError extends Error {
  override readonly name = 'ReadError'
}

async function refused(handOver: HandOver | undefined, handed: Handed): Promise<Handed> {
  await handOver?.abort()
  return handed
}

async function received(
  { message, envelope, pid, uid }: Handing,
  handOver: HandOver,
): Promise<ReturnType<typeof parseQmailEnvelope>> {
  const invoked = `(qmail ${pid} invoked by uid ${uid}); ${formatDate(systemClock.now())}`
  await handOver.write(Buffer.from(`Received: ${invoked}\r\n`))
  const lines = new CrlfLines()
  for await (const chunk of read(message)) await handOver.write(lines.convert(chunk))
  await handOver.write(lines.end())
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of read(envelope)) {
    bytes += chunk.length
    if (bytes > maxEnvelopeBytes) return { ok: false, exit: qmailQueueExit.badEnvelope }
    parts.push(chunk)
  }
  return parseQmailEnvelope(Buffer.concat(parts))
}

async function* read(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* source
  } catch (error) {
    throw new ReadError('what was to be read ended early', { cause: error })
  }
}
