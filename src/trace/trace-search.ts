/**
 * What may be asked of the traces: by the commands, by the HTTP API, by whoever has one of them in hand.
 * It works beside a running gateway as well as without one.
 */
import type { Attempt } from '../filter/attempts.ts'
import type { Instant } from '../mail/instant.ts'
import type { JsonObject } from '../mail/json.ts'
import type { Story } from './story.ts'
import type { TraceOutcome, TraceSummary } from './trace-summary.ts'

/** All that is given must hold. Addresses and names are compared without regard to case. */
export interface TraceQuery {
  /** The reverse-path: `alice@example.org`, `example.org` or `@example.org` for a whole domain, `<>` for bounces. */
  readonly sender?: string
  /** Any RCPT, accepted or not: an address or a domain; one, or any of several. */
  readonly recipient?: string | readonly string[]
  /** `sender` or `recipient`, or the name of a login. */
  readonly address?: string
  /** An address or a network: `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. */
  readonly client?: string
  readonly hello?: string
  /** Who had logged in, or tried to and did nothing else. */
  readonly user?: string
  /** With or without its angle brackets. */
  readonly messageId?: string
  /** One, or any of several. */
  readonly queueId?: string | readonly string[]
  /** Of a transaction or of a session. */
  readonly id?: string
  /** Of an opinion that counted: `GREYLISTED`. */
  readonly reason?: string
  /** Of the chain, that refused, held or discarded. */
  readonly entry?: string
  readonly outcome?: TraceOutcome
  readonly scoreAtLeast?: number
  /** When it ended: inclusive. */
  readonly since?: Instant
  /** Exclusive. */
  readonly until?: Instant
  /** Anywhere in what was recorded; looked for record by record, so a page may be short and have a next one. */
  readonly text?: string
  /** By when it was recorded; `newest` first where nothing is said. */
  readonly order?: 'newest' | 'oldest'
  /** 1 to 1000; 50 where nothing is said. */
  readonly limit?: number
  /** Where an earlier page of the same question ended. */
  readonly cursor?: string
}

/** All that is given must hold. */
export interface DeliveryQuery extends Pick<
  TraceQuery,
  'sender' | 'recipient' | 'address' | 'queueId' | 'since' | 'until' | 'order' | 'limit' | 'cursor'
> {
  readonly outcome?: Attempt['outcome']
}

export interface DeliveryPage {
  readonly items: readonly Attempt[]
  /** Missing at the end. */
  readonly next?: string
}

export interface TracePage {
  readonly items: readonly TraceSummary[]
  /** Missing at the end. */
  readonly next?: string
}

/** All methods @throws PosternError STORE_FAILED; CONFIG_INVALID for a question that cannot be asked (a cursor or a network that is none). */
export interface TraceSearch {
  search(query: TraceQuery): Promise<TracePage>
  /** Attempts of the courier, of messages that came by SMTP and of all others. */
  deliveries(query: DeliveryQuery): Promise<DeliveryPage>
  /** Records as they were written, each with its chain: for whoever decides them anew. */
  records(query: TraceQuery): AsyncIterable<StoredTrace>
  /**
   * What was recorded after the cursor, oldest first, as a live stream wants it: cheap where there is nothing new.
   * @param cursor absent: nothing yet, only where now is
   */
  newSince(cursor?: string, limit?: number): Promise<Required<TracePage>>
  /**
   * What was recorded after the cursor, as a live stream shows it: of many the last ones, oldest first. It costs no more where
   * there are many.
   * @param cursor absent: nothing yet, only where now is
   * @param recipients addresses or domains: only what is for one of them, which costs more where there is much besides
   */
  latest(cursor?: string, limit?: number, recipients?: readonly string[]): Promise<LatestTraces>
  /**
   * How transactions ended that were recorded after the cursor, by slices of time. It costs little where there are many, and
   * where there are very many it is told how to go on.
   * @param cursor absent: from the beginning
   */
  endings(query: EndingQuery): Promise<EndingPage>
  /**
   * The whole story of one message, refusal or connection.
   * @param which an id of a transaction, session or queued message, a Message-ID, or `last`
   */
  read(which: string): Promise<Story | undefined>
  /** The same of what a page has listed, in its order; what is gone meanwhile is left out. */
  stories(items: readonly Pick<TraceSummary, 'cursor'>[]): Promise<readonly Story[]>
  /** Of messages that no session brought and of whose coming nothing is recorded: as far as the courier has told of them. */
  storiesOfCourier(queueIds: readonly string[]): Promise<readonly Story[]>
  /** @returns undefined for what is no transaction, or is gone */
  at(cursor: string): Promise<TraceSummary | undefined>
  /** How much there is, and from when. */
  extent(): Promise<TraceExtent>
  close(): Promise<void>
}

export interface LatestTraces extends Required<TracePage> {
  /** How many came besides. */
  readonly more: number
}

export interface EndingQuery {
  readonly sliceMs: number
  /** When it ended: inclusive. */
  readonly since: Instant
  readonly cursor?: string
}

export interface EndingPage {
  readonly items: readonly EndingCount[]
  /** Where the next question goes on. */
  readonly next: string
  readonly isComplete: boolean
}

/** Transactions that ended within one slice of time in the same way and for the same reason. */
export interface EndingCount {
  /** When the slice begins. */
  readonly at: Instant
  readonly outcome: TraceOutcome
  /** The same for all that ended so. */
  readonly ending: number
  /** Whether there is a reason, too: the one that the transaction at `cursor` has. */
  readonly hasReason: boolean
  readonly count: number
  readonly cursor: string
}

export interface StoredTrace {
  readonly record: JsonObject
  /** Its places and thresholds; empty where nobody remembers it. */
  readonly chain: JsonObject
}

export interface TraceExtent {
  /** Absent where there is nothing. */
  readonly oldestAt?: Instant
  readonly newestAt?: Instant
  /** Bytes on the disk. */
  readonly sizeBytes: number
}
