import type { Instant } from '../mail/instant.ts'

/** What became of a transaction, or of a connection that came to nothing because of us. */
export const traceOutcomes = [
  /** Taken, for one recipient at least; it is delivered, or on its way. */
  'accepted',
  /** The client was told 5xx. */
  'refused',
  /** The client was told 4xx: it will come again. */
  'deferred',
  /** Taken, and held for all that got it. */
  'quarantined',
  /** Taken, and kept for nobody. */
  'discarded',
  /** The client gave up, or began anew, before anything was decided. */
  'abandoned',
] as const

export type TraceOutcome = (typeof traceOutcomes)[number]

/** What a line of a list needs. */
export interface TraceSummary {
  /** Where a page that ends with it goes on. Empty for what is known from the queue alone. */
  readonly cursor: string
  /** The transaction's; the session's for a refused connection; the queue's for what did not come by SMTP. */
  readonly id: string
  readonly session: string
  readonly startedAt: Instant
  readonly endedAt: Instant
  /** Empty for what did not come by SMTP. */
  readonly listener: string
  /** The client's address, without its port. */
  readonly client: string
  /** What brought it, where that was not SMTP: `queue` (qmail-queue, sendmail, inject, a forward), or `bounce`. */
  readonly via?: string
  readonly hello?: string
  readonly user?: string
  /** The name that a login failed with, where the session came to nothing else. */
  readonly failedLogin?: string
  /** Absent where there was no MAIL; `<>` for the null reverse-path. */
  readonly reversePath?: string
  /** At most 20 of them. */
  readonly recipients: readonly { readonly address: string; readonly accepted: boolean }[]
  readonly recipientCount: number
  readonly acceptedCount: number
  readonly outcome: TraceOutcome
  /** The last that was asked. */
  readonly stage: string
  /** What was said last. */
  readonly reply?: { readonly code: number; readonly status: string; readonly text: string }
  /** Why it was refused, held or discarded. */
  readonly reason?: string
  /** The entry that did it; absent where the sum of scores or a rule did. */
  readonly entry?: string
  readonly score?: number
  /** Without its angle brackets, at most 250 characters. */
  readonly messageId?: string
  readonly queueIds: readonly string[]
  readonly sizeBytes?: number
}
