import type { EnvelopeEdit, HeaderEdit } from '../mail/edits.ts'
import type { JsonObject } from '../mail/json.ts'
import type { Replacement } from '../mail/replacement.ts'
import type { Finding } from './finding.ts'

/** What may ride on any verdict. `Given`: the names of its findings; `Opinion<'spf'>` has that one, and `Opinion` none. */
export interface Opinion<Given extends string = never> {
  /** A stable word for logs, counters and searches: `TAG_REVOKED`. */
  readonly reason?: string
  /** What the verdict rests on; shown to the operator, never to the client. */
  readonly evidence?: JsonObject
  /** Added up over the transaction; thresholds are applied once, after `message`. */
  readonly score?: number
  /** One score for each recipient of the transaction, on top of `score`; only at `message`. */
  readonly recipientScores?: readonly number[]
  readonly findings?: readonly Finding<Given>[]
  readonly headerEdits?: readonly HeaderEdit[]
  readonly envelopeEdits?: readonly EnvelopeEdit[]
  /** At `message`, from a plugin that declares `replaces`: what is committed in place of the message as received. */
  readonly replacement?: Replacement
}
