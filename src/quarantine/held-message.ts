/** A message in quarantine as an operator sees it: one for each recipient, small enough for an index. */
import { formatMailbox, formatPath } from '../mail/address.ts'
import { decodeWords } from '../mail/encoded-words.ts'
import { fieldText } from '../mail/header-field.ts'
import type { Instant } from '../mail/instant.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { verpBase } from '../mail/verp.ts'
import type { Entry, QueueId, RecipientState } from '../queue/queue.ts'

// A type, not an interface: only that can be a JSON value.
export type HeldMessage = {
  readonly id: QueueId
  /** The copies of one message share it. */
  readonly transaction: string
  readonly receivedAt: Instant
  /** With its brackets: `<>`, `<ann@example.org>`. */
  readonly reversePath: string
  /** Nearly always one; of several those for whom nobody has decided yet. */
  readonly recipients: readonly string[]
  /** Decoded, without control characters; empty where there is none. */
  readonly subject: string
  readonly reason: string
  /** The entry that held it; absent where the sum of scores did. */
  readonly entry?: string
  readonly score?: number
  readonly sizeBytes: number
}

/** What became of one, for its explanation. */
export interface Fate {
  readonly held: Pick<HeldMessage, 'id' | 'recipients'>
  readonly what: 'released' | 'deleted'
  /** By whom, or why. */
  readonly text: string
}

const longestSubject = 200
/** Recipients that are named, where an edit of the envelope made one into many. */
const mostRecipients = 20

/** @returns undefined for what is not in quarantine: held for another reason, or not at all */
export function heldMessage(entry: Entry): HeldMessage | undefined {
  const { id, receivedAt, sizeBytes, held, grounds, envelope, message } = entry
  if (!held || grounds === undefined) return undefined
  return {
    id,
    transaction: grounds.transaction,
    receivedAt,
    // As who judges senders knows it, so that a rule for it means the next message too.
    reversePath: fieldText(formatPath(verpBase(envelope.reversePath) ?? envelope.reversePath)),
    recipients: envelope.recipients
      .filter((_, at) => isUndecided(entry.recipients[at]))
      .slice(0, mostRecipients)
      .map(({ mailbox }) => fieldText(formatMailbox(mailbox))),
    subject: fieldText(decodeWords(message.header.first('subject') ?? '').slice(0, longestSubject)),
    reason: entry.reason ?? '',
    ...(grounds.entry === undefined ? {} : { entry: grounds.entry }),
    ...(grounds.score === undefined ? {} : { score: grounds.score }),
    sizeBytes,
  }
}

function isUndecided(state: RecipientState | undefined): boolean {
  return state?.state !== 'delivered' && state?.state !== 'failed'
}

/** @returns undefined for what is none: another version may have written it */
export function readHeldMessage(value: JsonValue | undefined): HeldMessage | undefined {
  if (!isObject(value)) return undefined
  const { id, transaction, receivedAt, reversePath, recipients, subject, reason } = value
  const { entry, score, sizeBytes } = value
  if (typeof id !== 'string' || typeof transaction !== 'string') return undefined
  if (typeof receivedAt !== 'number' || typeof sizeBytes !== 'number') return undefined
  if (typeof reversePath !== 'string' || !Array.isArray(recipients)) return undefined
  return {
    id,
    transaction,
    receivedAt,
    reversePath,
    recipients: recipients.map(String),
    subject: typeof subject === 'string' ? subject : '',
    reason: typeof reason === 'string' ? reason : '',
    ...(typeof entry === 'string' ? { entry } : {}),
    ...(typeof score === 'number' ? { score } : {}),
    sizeBytes,
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
