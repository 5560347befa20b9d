/**
 * What may be asked of the traces: by the commands, by the HTTP API, by whoever has one of them in hand.
 * It works beside a running gateway as well as without one.
 */
import type { Instant } from '../mail/instant.ts'
import type { Story } from './story.ts'
import type { TraceOutcome, TraceSummary } from './trace-summary.ts'

/** All that is given must hold. Addresses and names are compared without regard to case. */
export interface TraceQuery {
  /** The reverse-path: `alice@example.org`, `example.org` or `@example.org` for a whole domain, `<>` for bounces. */
  readonly sender?: string
  /** Any RCPT, accepted or not: an address or a domain. */
  readonly recipient?: string
  /** `sender` or `recipient`. */
  readonly address?: string
  /** An address or a network: `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. */
  readonly client?: string
  readonly hello?: string
  /** Who had logged in. */
  readonly user?: string
  /** With or without its angle brackets. */
  readonly messageId?: string
  readonly queueId?: string
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

export interface TracePage {
  readonly items: readonly TraceSummary[]
  /** Missing at the end. */
  readonly next?: string
}

/** All methods @throws PosternError STORE_FAILED; CONFIG_INVALID for a question that cannot be asked (a cursor or a network that is none). */
export interface TraceSearch {
  search(query: TraceQuery): Promise<TracePage>
  /**
   * What was recorded after the cursor, oldest first, as a live stream wants it: cheap where there is nothing new.
   * @param cursor absent: nothing yet, only where now is
   */
  newSince(cursor?: string, limit?: number): Promise<Required<TracePage>>
  /**
   * The whole story of one message, refusal or connection.
   * @param which an id of a transaction, session or queued message, a Message-ID, or `last`
   */
  read(which: string): Promise<Story | undefined>
  /** How much there is, and from when. */
  extent(): Promise<TraceExtent>
  close(): Promise<void>
}

export interface TraceExtent {
  /** Absent where there is nothing. */
  readonly oldestAt?: Instant
  readonly newestAt?: Instant
  /** Bytes on the disk. */
  readonly sizeBytes: number
}
