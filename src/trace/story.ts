import type { Attempt } from '../filter/attempts.ts'
import { redecide, type Redecided } from '../filter/redecide.ts'
import { readRecord, type Trace } from '../filter/trace-reader.ts'
import type { Instant } from '../mail/instant.ts'
import type { JsonObject } from '../mail/json.ts'
import { counterfactuals, type Counterfactual } from './counterfactual.ts'
import { summaryOf } from './summary.ts'
import type { TraceSummary } from './trace-summary.ts'

/** One message or one refusal, from the connection to the last delivery. */
export interface Story extends Trace {
  readonly summary: TraceSummary
  /** What each recipient was answered, decided again from the recorded steps; none where steps were lost. */
  readonly rulings: readonly Redecided[]
  /** What would have been without one entry, for each that refused, held, or added to the score. */
  readonly counterfactuals: readonly Counterfactual[]
  /** What the courier did, oldest first. */
  readonly attempts: readonly Attempt[]
}

export function storyOf(
  record: JsonObject,
  {
    chain,
    attempts,
    cursor,
  }: {
    readonly chain: JsonObject
    readonly attempts: readonly Attempt[]
    readonly cursor?: string | undefined
  },
): Story {
  const trace = readRecord(record, chain, attempts)
  return {
    ...trace,
    summary: summaryOf(record, cursor),
    rulings: redecide(trace)?.recipients ?? [],
    counterfactuals: counterfactuals(trace),
  }
}

/** What is known of a message that no session brought: `postern sendmail`, a bounce, a forward. */
export interface EnteredBeside {
  readonly queueId: string
  /** Of all its copies, where there are several. */
  readonly queueIds?: readonly string[]
  readonly at: Instant
  readonly reversePath: string | undefined
  readonly recipients: readonly string[]
  readonly messageId?: string | undefined
  readonly sizeBytes?: number
}

/** Such a message as a record like others, without a client and without steps. */
export function enteredBeside(known: EnteredBeside): JsonObject {
  const { queueId, at, reversePath, recipients, messageId, sizeBytes } = known
  return {
    id: queueId,
    session: '',
    at,
    endedAt: at,
    listener: '',
    remote: '',
    stage: 'message',
    end: 'committed',
    via: reversePath === '<>' ? 'bounce' : 'queue',
    queueIds: known.queueIds ?? [queueId],
    recipients: recipients.map((address) => [address, 1]),
    ...(reversePath === undefined ? {} : { reversePath }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  }
}
