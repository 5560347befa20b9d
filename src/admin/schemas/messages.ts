/** Transactions as they were decided, and what became of the messages since. */
import { Type, type Static } from 'typebox'
import { Count, Instant, JsonMap, Line, listOf, next, oneOf, pageQuery, record } from './shapes.ts'

export const outcomes = [
  'accepted',
  'quarantined',
  'discarded',
  'refused',
  'deferred',
  'abandoned',
] as const

export const Outcome = oneOf(outcomes, 'What the client was told, in a word')

/** Absent keys match everything. Addresses: the whole address, or `@domain`. */
export const MessageFilter = {
  sender: Type.Optional(Line),
  recipient: Type.Optional(Line),
  remote: Type.Optional(Type.String({ maxLength: 64, description: "The client's address" })),
  outcome: Type.Optional(Outcome),
  entry: Type.Optional(Type.String({ maxLength: 64, description: 'The entry that decided' })),
  reason: Type.Optional(Type.String({ maxLength: 100 })),
  queueId: Type.Optional(Type.String({ maxLength: 64 })),
  address: Type.Optional(Line),
  messageId: Type.Optional(Line),
  hello: Type.Optional(Line),
  user: Type.Optional(Line),
  failedLogin: Type.Optional(Line),
  scoreAtLeast: Type.Optional(Type.Number()),
  text: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'Anywhere in what was recorded' }),
  ),
  since: Type.Optional(Instant),
  until: Type.Optional(Instant),
}
export const MessageQuery = record({ ...MessageFilter, ...pageQuery })
export const MessageExportQuery = record({
  ...MessageFilter,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 })),
})

export const Reply = record({ code: Type.Integer(), status: Type.String(), text: Type.String() })

export const MessageSummary = record(
  {
    id: Type.String(),
    startedAt: Instant,
    endedAt: Instant,
    listener: Type.String(),
    remote: Type.String(),
    hello: Type.Optional(Type.String()),
    user: Type.Optional(Type.String()),
    failedLogin: Type.Optional(Type.String()),
    reversePath: Type.Optional(Type.String({ description: 'With its brackets' })),
    recipients: listOf(Type.String()),
    outcome: Outcome,
    reply: Type.Optional(Reply),
    entry: Type.Optional(Type.String({ description: 'The entry that decided' })),
    reason: Type.Optional(Type.String()),
    sizeBytes: Type.Optional(Count),
    queueIds: listOf(Type.String()),
    recipientCount: Count,
    score: Type.Optional(Type.Number()),
    messageId: Type.Optional(Type.String()),
    via: Type.Optional(Type.String({ description: 'What brought it, where that was not SMTP' })),
  },
  'MessageSummary',
)

export const MessagePage = record({ items: listOf(MessageSummary), next }, 'MessagePage')

export const TracedStep = record(
  {
    index: Type.Integer({ description: 'In the order in which they were taken, from 0' }),
    kind: oneOf(['asked', 'spoken', 'lifted'] as const),
    stage: Type.String(),
    question: Type.String(),
    entry: Type.String(),
    plugin: Type.String(),
    mode: oneOf(['enforce', 'shadow'] as const),
    round: Type.Integer({ description: 'The RCPT it was about, from 1; 0 outside `rcpt`' }),
    verdict: Type.String(),
    reason: Type.Optional(Type.String()),
    text: Type.Optional(Type.String()),
    status: Type.Optional(Type.String()),
    score: Type.Optional(Type.Number()),
    evidence: Type.Optional(JsonMap),
    findings: Type.Optional(JsonMap),
    startedMs: Type.Optional(Type.Number({ description: 'After the session began' })),
    durationMs: Type.Number(),
    fault: Type.Optional(record({ kind: Type.String(), detail: Type.String() })),
    deciding: Type.Boolean({ description: 'It decided the reply' }),
  },
  'TracedStep',
)

export const Counterfactual = record(
  {
    without: Type.String({ description: 'The entry that is taken away' }),
    known: Type.Boolean({ description: 'False: entries were never asked, so nobody knows' }),
    outcome: Type.Optional(Type.String({ description: 'What the reply would have been' })),
    unasked: Type.Optional(Count),
  },
  'Counterfactual',
)

export const MessageDetails = record(
  {
    ...MessageSummary.properties,
    session: Type.String(),
    hostname: Type.String(),
    tls: Type.Optional(Type.String()),
    environment: Type.String(),
    forwarded: Type.Optional(JsonMap),
    stage: Type.String(),
    told: listOf(
      record({
        address: Type.String(),
        accepted: Type.Boolean(),
        ruled: Type.Optional(Type.String()),
        reply: Type.Optional(Reply),
      }),
    ),
    placements: listOf(
      record({
        disposition: Type.String(),
        reason: Type.Optional(Type.String()),
        entry: Type.Optional(Type.String()),
        score: Type.Optional(Type.Number()),
        reversePath: Type.String(),
        recipients: listOf(Type.String()),
      }),
    ),
    thresholds: JsonMap,
    steps: listOf(TracedStep),
    lost: Type.Integer({ description: 'Steps that were not kept' }),
    counterfactuals: listOf(Counterfactual),
    attempts: listOf(
      record({
        queueId: Type.String(),
        recipient: Type.String(),
        route: Type.String(),
        outcome: Type.String(),
        status: Type.String(),
        text: Type.String(),
        ledTo: Type.Optional(
          listOf(
            Type.String({ description: 'Queue ids of what came of it: forwards, a notification' }),
          ),
        ),
        startedAt: Instant,
        durationMs: Type.Number(),
      }),
    ),
    partial: Type.Boolean({
      description: 'Who asks may see some of its recipients only: the rest is left out',
    }),
  },
  'MessageDetails',
)

export type MessageFilter = Omit<Static<typeof MessageQuery>, 'cursor' | 'limit'>
export type Reply = Static<typeof Reply>
export type MessageSummary = Static<typeof MessageSummary>
export type MessagePage = Static<typeof MessagePage>
export type MessageDetails = Static<typeof MessageDetails>
export type TracedStep = Static<typeof TracedStep>
export type Counterfactual = Static<typeof Counterfactual>
export type Outcome = Static<typeof Outcome>
