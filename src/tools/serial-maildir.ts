/**
 * Sends the messages of a Maildir to the one host they wait for, as serialmail's maildirsmtp does: what is taken is
 * removed, what is refused or has waited too long is bounced and removed, and all else stays for the next time. A message
 * is removed only when somebody else has promised it, or its bounce.
 */
import { join } from 'node:path'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Envelope } from '../mail/envelope.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Instant } from '../mail/instant.ts'
import type { Message } from '../mail/message.ts'
import { printable } from '../mail/reply.ts'
import type { Disk } from '../runtime/disk.ts'
import { readSerialFile, type SerialFile } from './serial-file.ts'

export interface SerialMail {
  readonly envelope: Envelope
  readonly message: Message
  readonly arrivedAt: Instant
}

export interface SerialOptions {
  readonly disk: Disk
  readonly folder: string
  readonly prefix: string
  readonly now: () => Instant
  /** A message that has waited longer is bounced where it is deferred. */
  readonly lifetimeMs: number
  readonly deliver: (mail: SerialMail) => Promise<DeliveryResult>
  /** @returns whether the bounce is promised */
  readonly bounce: (mail: SerialMail, result: DeliveryResult) => Promise<boolean>
  /** Told of each message: its name and what became of it. */
  readonly told: (name: string, outcome: SerialOutcome, text: string) => void
  /** Aborted: what is under way fails, and stays; nothing else is begun. */
  readonly signal?: AbortSignal
}

export type SerialOutcome = 'succeeded' | 'failed permanently' | 'failed temporarily'

/** As serialmail's own script has it: `maildirserial -b -t 1209600`. */
export const serialLifetimeMs = 1_209_600_000
/** Of a host that no session can be had with: it is not asked again for each message. */
const noSession = '4.4.1'

/** @throws PosternError NOT_FOUND, DISK_FAILED where the Maildir cannot be read */
export async function sendMaildir(options: SerialOptions): Promise<void> {
  let away: DeliveryResult | undefined
  for (const name of await waitingIn(options)) {
    if (options.signal?.aborted === true) return
    // oxlint-disable-next-line no-await-in-loop -- one after the other, over one session
    const result = await sendFile(options, name, away)
    if (result?.status === noSession) away = result
  }
}

/**
 * The files of the messages in a Maildir, in the order in which they are sent.
 * @throws PosternError NOT_FOUND, DISK_FAILED
 */
export async function waitingIn({
  disk,
  folder,
}: Pick<SerialOptions, 'disk' | 'folder'>): Promise<readonly string[]> {
  const names: string[] = []
  for (const part of ['cur', 'new']) {
    // oxlint-disable-next-line no-await-in-loop -- two folders
    const found = (await disk.list(join(folder, part))).filter((name) => !name.startsWith('.'))
    names.push(...found.toSorted().map((name) => `${part}/${name}`))
  }
  return names
}

/** @param away what the host said last, where it cannot be reached. @returns what it says now */
async function sendFile(
  options: SerialOptions,
  name: string,
  away: DeliveryResult | undefined,
): Promise<DeliveryResult | undefined> {
  const { disk, folder, told, now, lifetimeMs, signal } = options
  const path = join(folder, name)
  const read = await readMail(options, path, away)
  if (read === undefined) return undefined
  if (typeof read === 'string') {
    told(name, 'failed temporarily', read)
    return undefined
  }
  const result = away ?? (await options.deliver(read))
  // Called off is not tried in vain: however old it is, it may be taken the next time.
  const isTried = signal?.aborted !== true
  const tooOld = isTried && result.outcome === 'deferred' && now() - read.arrivedAt > lifetimeMs
  const final = tooOld ? givenUp(result) : result
  const gone = final.outcome === 'delivered' || (await isBounced(options, read, final))
  if (gone) await disk.remove(path)
  told(name, outcomes[final.outcome], onOneLine(final.text))
  return result
}

function onOneLine(text: string): string {
  return printable(text.replaceAll('\n', ' '))
}

const outcomes = {
  delivered: 'succeeded',
  failed: 'failed permanently',
  deferred: 'failed temporarily',
} as const

function isBounced(
  { bounce }: SerialOptions,
  mail: SerialMail,
  result: DeliveryResult,
): Promise<boolean> {
  return result.outcome === 'failed' ? bounce(mail, result) : Promise.resolve(false)
}

function givenUp({ text, remote }: DeliveryResult): DeliveryResult {
  return {
    outcome: 'failed',
    status: '5.4.7',
    text: `${text}\nI'm not going to try again; this message has been in the maildir too long.`,
    ...(remote === undefined ? {} : { remote }),
  }
}

/**
 * @param away as above: however much waits for such a host, only what may be given up is read
 * @returns undefined for one that somebody else has taken away, a text for what stays
 */
async function readMail(
  { disk, prefix, now, lifetimeMs }: SerialOptions,
  path: string,
  away: DeliveryResult | undefined,
): Promise<SerialMail | string | undefined> {
  try {
    const { modifiedAt } = await disk.statName(path)
    if (away !== undefined && now() - modifiedAt <= lifetimeMs) return onOneLine(away.text)
    const read = await readSerialFile(disk, path, prefix)
    return typeof read === 'string' ? read : mailOf(read)
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return undefined
    if (isPosternError(error)) return printable(error.message)
    throw error
  }
}

function mailOf({ reversePath, recipient, message, arrivedAt }: SerialFile): SerialMail {
  const paths = [reversePath, recipient]
  return {
    arrivedAt,
    message,
    envelope: {
      reversePath,
      recipients: [{ mailbox: recipient }],
      bodyType: message.eightBit ? '8bitmime' : '7bit',
      smtputf8: paths.some((path) => path && /\P{ASCII}/u.test(path.localPart + path.domain)),
      requireTls: false,
    },
  }
}
