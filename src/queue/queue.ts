import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { HeaderEdit } from '../mail/edits.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Instant } from '../mail/instant.ts'
import type { JsonObject } from '../mail/json.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Message } from '../mail/message.ts'
import type { Receipt } from './receipt.ts'

export type { Receipt } from './receipt.ts'

/** Names one queued message for its whole life; sorts by age; safe in logs, replies and file names. */
export type QueueId = string

/** One copy of a message for one set of recipients: what is kept of it, and how its header differs from what came in. */
export interface Placement {
  readonly envelope: Envelope
  /** `discard` commits a record without a body, so that every 250 has its Receipt. */
  readonly disposition: 'deliver' | 'hold' | 'discard'
  readonly headerEdits: readonly HeaderEdit[]
  /** Why it is held or discarded. */
  readonly reason?: string
  /** Of a message in quarantine: what its reason rests on. */
  readonly grounds?: Grounds
}

/** Why a message is in quarantine, for whoever must judge it. A message on hold without grounds is no quarantine. */
export interface Grounds {
  /** The transaction it came in: the copies of one message share it. */
  readonly transaction: string
  /** The entry of the chain that held it; absent where the sum of scores did. */
  readonly entry?: string
  readonly score?: number
  readonly evidence?: JsonObject
}

/** A message that is not promised yet. Either `commit` or `abort` ends it; `abort` after either is harmless. */
export interface Draft {
  /** A promise is back-pressure: write no more until it resolves. @throws PosternError DISK_FULL, DISK_FAILED */
  write(chunk: Uint8Array): void | Promise<void>
  /** The bytes are complete and immutable from here. */
  end(): MaybePromise<Message>
  /**
   * Makes the promise: all placements or none, in one record, on stable storage when this resolves.
   * @param beside what others get in place of these bytes: promised by the same sync, or neither is. The receipt names
   * the placements of this draft first.
   * @throws PosternError DISK_FULL (452), DISK_FAILED (451), SPOOL_CLOSED (421): nothing was promised.
   */
  commit(placements: readonly [Placement, ...Placement[]], beside?: Beside): Promise<Receipt>
  abort(): void
}

/** Another draft of the same queue, ended too, and whose copies it becomes; the commit ends it. */
export interface Beside {
  readonly draft: Draft
  readonly placements: readonly [Placement, ...Placement[]]
}

/** Where one recipient of a queued message stands. */
export type RecipientState =
  | { readonly state: 'pending' }
  | {
      readonly state: 'deferred'
      readonly text: string
      readonly tries: number
      /** The sender knows of the delay. */
      readonly delayTold?: true
      /** Not to be tried before; absent: as soon as the message is due. */
      readonly dueAt?: Instant
    }
  | { readonly state: 'delivered' | 'failed'; readonly text: string }

/** What the scheduler needs to know of a queued message; cheap, in memory. */
export interface EntryHead {
  readonly id: QueueId
  readonly receivedAt: Instant
  readonly dueAt: Instant
  readonly held: boolean
  readonly sizeBytes: number
  /** Rounds of delivery so far. */
  readonly tries: number
}

/** A queued message, whole. */
export interface Entry extends EntryHead {
  readonly envelope: Envelope
  /** One for each of `envelope.recipients`. */
  readonly recipients: readonly RecipientState[]
  readonly reason?: string
  readonly grounds?: Grounds
  /** With the placement's header edits applied. */
  readonly message: Message
}

/** A record whose checksum does not hold: set aside, listed, never deleted. */
export interface Damaged {
  readonly damaged: true
  readonly path: string
  readonly reason: string
  /** It was being written when the gateway or the power went; nothing says that it was promised. */
  readonly unproven?: true
}

/** When those that were deferred are tried again: all at one time, or one time for each result. */
export type RetryTimes = Instant | readonly Instant[]

/** The exclusive right to try a message now, for the recipients that are still open and whose time has come. */
export interface Claim {
  readonly entry: Entry
  /** Indexes into `entry.envelope.recipients`. */
  readonly recipientIndexes: readonly number[]
  /** The recipients of those indexes. */
  readonly recipients: readonly Recipient[]
}

export type Unsubscribe = () => void

/** Which messages an operator means. Absent keys match everything; all given keys must match. */
export interface Selector {
  readonly ids?: readonly QueueId[]
  readonly held?: boolean
  /** Whether it is in quarantine: on hold, or let go since, with grounds. */
  readonly quarantined?: boolean
  readonly receivedBefore?: Instant
  readonly receivedAfter?: Instant
  /** `<>`, `@domain` or an address; without regard to case. */
  readonly reversePath?: string
  /** Of a recipient that is still open: `@domain` or an address. */
  readonly recipient?: string
  /** Of a recipient that is still open; `.example.org` means every domain below it. */
  readonly domain?: string
  /** What the reason for holding it begins with. */
  readonly reason?: string
}

export type QueueChange = 'hold' | 'release' | 'retry' | 'remove'

/**
 * The durable queue. What `commit` promised is found again whatever dies next: at-least-once,
 * a duplicate only where a crash ate the outcome of a delivery.
 */
export interface Queue {
  begin(): Draft
  /** Messages that may be tried at `now`, oldest due first, not claimed, not held. */
  due(now: Instant, limit: number): readonly EntryHead[]
  /** When the next message that is neither claimed nor held falls due. */
  nextDueAt(): Instant | undefined
  /** Called after a commit, release or change that makes something due; coalesced, from the event loop. */
  onDue(listener: () => void): Unsubscribe
  /** Called after a commit of messages with grounds, with their ids; from the event loop. */
  onQuarantined(listener: (ids: readonly QueueId[]) => void): Unsubscribe
  /**
   * @param even `held`: also what is held, and for all recipients that are open
   * @param whom of them only those; the others keep what they have
   * @returns undefined when it is gone, held or claimed by somebody else, or nobody is meant
   */
  claim(
    id: QueueId,
    even?: 'held',
    whom?: (recipient: Recipient) => boolean,
  ): Promise<Claim | undefined>
  /**
   * Records what came of it, one result for each of `claim.recipients`, and gives the claim back.
   * The claim is over even where this throws: then a restart may not know the outcome.
   * Deferred recipients are due again at `retryAt`, or now where a `retry` came while they were tried. With none left the
   * message is done and its space is given back.
   */
  settle(claim: Claim, results: readonly DeliveryResult[], retryAt: RetryTimes): Promise<void>
  /**
   * Gives the claim back untried; others of the message that are due earlier keep their time.
   * @param memory `volatile`: `until` is not written, and a restart has forgotten it; costs nothing
   */
  release(claim: Claim, until: Instant, memory?: 'volatile'): Promise<void>
  /** @returns how many were changed */
  change(selector: Selector, to: QueueChange): Promise<number>
  /** By age. Without a selector also what is damaged. */
  entries(selector?: Selector): AsyncIterable<Entry | Damaged>
  readonly size: number
  close(): Promise<void>
}
