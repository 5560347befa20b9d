/**
 * How a message comes back from a program that runs in place of qmail-queue: as files in `continuing/`, named by a token
 * that the program finds in its environment. An offer changes its state by one rename, so that of two who want it one is
 * told no:
 *
 * | file            | made by              | means                                                    |
 * | TOKEN.offer     | the gateway          | the program runs; here is the envelope that it was given  |
 * | TOKEN.claimed   | qmail-queue, renamed | somebody brings the message back                          |
 * | TOKEN.message   | qmail-queue, renamed | it is here, whole                                         |
 * | TOKEN.closed    | the gateway, renamed | the program is over: who comes now is told no             |
 *
 * Nothing here is a promise: the gateway copies what it takes into a draft of its own, and the commit of that is what the
 * client hears of. After a crash nobody takes these files any more, and the client sends its message again.
 */
import { headerEnd } from '../mail/header.ts'
import { formatPlainAddress } from '../formats/qmail-address.ts'
import {
  continuationToken,
  continuationVariable,
  isSenderOf,
} from '../formats/continuation-token.ts'
import { lowerAscii } from '../formats/octets.ts'
import {
  parseQmailEnvelope,
  qmailEnvelopeBytes,
  type QmailEnvelope,
} from '../formats/qmail-queue-protocol.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { Mailbox } from '../mail/address.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Continuation, Continuations, HandedBack } from '../runtime/continuations.ts'
import type { Disk, DiskFile } from '../runtime/disk.ts'
import { exists, unlessMissing } from '../runtime/missing.ts'
import type { Random } from '../runtime/random.ts'
import { handoverName, handoverTime } from './hand-over.ts'
import { readEnd } from './handed-file.ts'
import { spoolLayout } from './spool-layout.ts'
import { fileBody, StoredMessage } from './stored-message.ts'

/** What is as old as this has lost its program: as with an unfinished hand-over. */
const abandonedMs = 36 * 3_600_000
const headerStepBytes = 65_536
const maxHeaderBytes = 1 << 20

export interface ContinuationParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  /** The spool's folder. */
  readonly path: string
  /** What a program sees beside the token. */
  readonly variables: ReadonlyMap<string, string>
}

export function spoolContinuations(parts: ContinuationParts): Continuations {
  const { disk, clock, random, path, variables } = parts
  const folder = spoolLayout(path).continuing
  let swept: Promise<void> | undefined
  return {
    async offer(envelope) {
      swept ??= sweep(parts, folder)
      await swept
      const token = continuationToken(handoverName(clock.now(), random), envelope.sender)
      const file = await disk.open(`${folder}/${token}.offer`, 'create')
      try {
        await file.write([qmailEnvelopeBytes(envelope)], 0)
      } finally {
        await file.close()
      }
      const seen = new Map([...variables, [continuationVariable, token] as const])
      return new OfferedContinuation(disk, `${folder}/${token}`, { envelope, variables: seen })
    },
  }
}

/** Makes the folder, and removes what a gateway that died has left in it. */
async function sweep({ disk, clock }: ContinuationParts, folder: string): Promise<void> {
  await disk.makeDirectory(folder)
  for (const name of await disk.list(folder)) {
    const begunAt = handoverTime(name)
    if (begunAt === undefined || clock.now() - begunAt < abandonedMs) continue
    // oxlint-disable-next-line no-await-in-loop -- a few files, once in the life of a process
    await removeQuietly(disk, `${folder}/${name}`)
  }
}

class OfferedContinuation implements Continuation {
  readonly variables: ReadonlyMap<string, string>
  readonly #disk: Disk
  /** Of its files, without their endings. */
  readonly #path: string
  readonly #envelope: QmailEnvelope

  constructor(
    disk: Disk,
    path: string,
    { envelope, variables }: { envelope: QmailEnvelope; variables: ReadonlyMap<string, string> },
  ) {
    this.#disk = disk
    this.#path = path
    this.#envelope = envelope
    this.variables = variables
  }

  async take(): Promise<HandedBack | undefined> {
    if (await this.#close()) return undefined
    const path = `${this.#path}.message`
    let file: DiskFile
    try {
      file = await this.#disk.open(path, 'read')
    } catch (error) {
      if (!isPosternError(error, 'NOT_FOUND')) throw error
      throw new PosternError('PROGRAM_FAILED', 'what brought the message back was stopped halfway')
    }
    try {
      return await this.#read(file, path)
    } finally {
      await file.close()
    }
  }

  async drop(): Promise<void> {
    try {
      await this.#close()
    } catch {
      // Swept at a later start.
    }
    for (const ending of ['closed', 'claimed', 'message']) {
      // oxlint-disable-next-line no-await-in-loop -- in this order: who has claimed it finds no offer any more
      await removeQuietly(this.#disk, `${this.#path}.${ending}`)
    }
  }

  /** @returns whether nobody had claimed it */
  async #close(): Promise<boolean> {
    try {
      await this.#disk.rename(`${this.#path}.offer`, `${this.#path}.closed`)
      return true
    } catch (error) {
      if (isPosternError(error, 'NOT_FOUND')) return false
      throw error
    }
  }

  async #read(file: DiskFile, path: string): Promise<HandedBack> {
    const found = await readEnd(file)
    if (typeof found === 'string') throw new PosternError('PROGRAM_FAILED', found)
    const { footer, envelope } = found
    const offset = await lineEnd(file)
    const length = footer.messageBytes - offset
    const head = await readHead(file, { offset, length })
    const bodyOffset = offset + head.length
    const body = fileBody(this.#disk, { path, bodyOffset, sizeBytes: footer.messageBytes })
    const eightBit = envelope.bodyType !== '7bit'
    return {
      message: new StoredMessage(head, body, eightBit),
      recipients: this.#indexesOf(envelope.recipients),
    }
  }

  #indexesOf(recipients: readonly { readonly mailbox: Mailbox }[]): readonly number[] {
    const wanted = addressSet(recipients.map(({ mailbox }) => formatPlainAddress(mailbox)))
    return this.#envelope.recipients.flatMap((offered, index) =>
      wanted.has(lowerAscii(offered)) ? [index] : [],
    )
  }
}

/** Every hand-over begins with a line of its own qmail-queue's, which says nothing of a message that comes back here. */
async function lineEnd(file: DiskFile): Promise<number> {
  const bytes = Buffer.from(await file.read(0, 1024))
  return bytes.indexOf('\r\n', 0, 'latin1') + 2
}

async function readHead(
  file: DiskFile,
  { offset, length: most }: { readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  const limit = Math.min(most, maxHeaderBytes)
  for (let length = Math.min(headerStepBytes, limit); ; length = Math.min(2 * length, limit)) {
    // oxlint-disable-next-line no-await-in-loop -- each step is twice the last
    const bytes = await file.read(offset, length)
    const end = headerEnd(bytes)
    if (end >= 0) return bytes.subarray(0, end)
    if (length >= limit) return bytes
  }
}

/** What a call of qmail-queue is, that has a token in its environment. */
export type Claim =
  /** It brings the message back: it belongs at `path`. */
  | { readonly claim: 'granted'; readonly path: string }
  /** A message of its own. */
  | { readonly claim: 'other' }
  /** The program that was to bring this message back is over, and its client has been answered. */
  | { readonly claim: 'late' }

/**
 * Asks for an offer on behalf of a message. Where it is granted, nobody else is granted it.
 * @throws PosternError DISK_FAILED
 */
export async function claimContinuation(
  { disk, path }: Pick<ContinuationParts, 'disk' | 'path'>,
  token: string,
  envelope: QmailEnvelope,
): Promise<Claim> {
  if (!isSenderOf(token, envelope.sender)) return { claim: 'other' }
  const base = `${spoolLayout(path).continuing}/${token}`
  const offered = await readOffer(disk, `${base}.offer`)
  if (offered !== undefined && !isPartOf(envelope, offered)) return { claim: 'other' }
  try {
    if (offered !== undefined) {
      await disk.rename(`${base}.offer`, `${base}.claimed`)
      return { claim: 'granted', path: `${base}.message` }
    }
  } catch (error) {
    if (!isPosternError(error, 'NOT_FOUND')) throw error
  }
  // A program may send a second message of the same sender while it runs, and none once it is over.
  return (await exists(disk, `${base}.claimed`)) ? { claim: 'other' } : { claim: 'late' }
}

async function readOffer(disk: Disk, path: string): Promise<QmailEnvelope | undefined> {
  const bytes = await unlessMissing(disk.readFile(path))
  const parsed = bytes === undefined ? undefined : parseQmailEnvelope(bytes)
  return parsed?.ok === true ? parsed.envelope : undefined
}

function isPartOf(envelope: QmailEnvelope, offered: QmailEnvelope): boolean {
  const recipients = addressSet(offered.recipients)
  return (
    lowerAscii(envelope.sender) === lowerAscii(offered.sender) &&
    envelope.recipients.every((address) => recipients.has(lowerAscii(address)))
  )
}

/** Addresses that differ in case alone are the same: programs write them anew. */
function addressSet(addresses: readonly string[]): ReadonlySet<string> {
  return new Set(addresses.map(lowerAscii))
}

async function removeQuietly(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path)
  } catch {
    // It was not there, or is swept at a later start.
  }
}
