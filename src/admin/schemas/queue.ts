/** What is promised and not yet done. */
import { Type, type Static } from 'typebox'
import { Count, Instant, Line, listOf, next, oneOf, pageQuery, record } from './shapes.ts'

export const QueueQuery = record({
  ...pageQuery,
  reversePath: Type.Optional(
    Type.String({ maxLength: 320, description: '`<>`, an address, `@domain`' }),
  ),
  recipient: Type.Optional(Line),
  domain: Type.Optional(Line),
  reason: Type.Optional(Line),
  held: Type.Optional(Type.Boolean()),
  quarantined: Type.Optional(Type.Boolean({ description: 'Held by an entry of the chain' })),
  receivedBefore: Type.Optional(Instant),
  receivedAfter: Type.Optional(Instant),
})

export const QueuedRecipient = record({
  address: Type.String(),
  state: oneOf(['pending', 'deferred', 'delivered', 'failed'] as const),
  tries: Type.Optional(Count),
  dueAt: Type.Optional(Instant),
  lastReply: Type.Optional(Type.String()),
})

export const QueueItem = record(
  {
    id: Type.String(),
    receivedAt: Instant,
    dueAt: Instant,
    held: Type.Boolean(),
    reason: Type.Optional(Type.String()),
    sizeBytes: Count,
    tries: Count,
    reversePath: Type.String(),
    recipients: listOf(QueuedRecipient),
    moreRecipients: Type.Integer({ description: 'Recipients that are not listed here' }),
  },
  'QueueItem',
)
export const QueuePage = record({ items: listOf(QueueItem), next, damaged: Count }, 'QueuePage')
export const QueueDetails = record(
  {
    ...QueueItem.properties,
    quarantined: Type.Boolean({ description: 'Held by an entry of the chain' }),
    subject: Type.Optional(
      Type.String({ description: 'Absent: it is quarantined, and that you may not read' }),
    ),
    header: Type.Optional(
      Type.String({ description: 'As it will be delivered, as far as it is shown; or absent' }),
    ),
  },
  'QueueDetails',
)

export const Destination = record(
  {
    domain: Type.String(),
    recipients: Count,
    deferred: Count,
    held: Count,
    bytes: Count,
    oldestAt: Instant,
    nextAt: Type.Optional(Instant),
    lastReply: Type.Optional(Type.String()),
  },
  'Destination',
)
export const QueueSummary = record(
  {
    messages: Count,
    held: Count,
    recipients: Count,
    bytes: Count,
    oldestAt: Type.Optional(Instant),
    destinations: listOf(Destination),
    moreDestinations: Count,
    damaged: Count,
  },
  'QueueSummary',
)

export const DamagedFiles = record(
  {
    files: listOf(
      record({
        path: Type.String(),
        reason: Type.String(),
        unproven: Type.Boolean({ description: 'It was being written, and was hardly promised' }),
        sizeBytes: Count,
        setAsideAt: Type.Number(),
        messages: listOf(
          record({
            id: Type.String(),
            receivedAt: Type.Number(),
            certain: Type.Boolean({ description: 'False: by what is legible' }),
            reversePath: Type.String(),
            recipients: listOf(Type.String(), {}),
          }),
        ),
      }),
    ),
    more: Count,
  },
  'DamagedFiles',
)
export const SpoolCheck = record(
  {
    messages: Count,
    held: Count,
    messageBytes: Count,
    segments: Count,
    segmentBytes: Count,
    liveBytes: Count,
    largeFiles: Count,
    unneeded: listOf(Type.String(), {}),
    incoming: Count,
    damage: listOf(
      record({
        path: Type.String(),
        position: Count,
        reason: Type.String(),
        ids: listOf(Type.String(), {}),
      }),
    ),
    setAside: Count,
  },
  'SpoolCheck',
)

export const queueActions = ['hold', 'release', 'retry', 'delete', 'bounce'] as const

/** At least one key, or `all`. */
export const QueueSelection = record({
  ids: Type.Optional(listOf(Type.String({ maxLength: 64 }), { maxItems: 1000, minItems: 1 })),
  reversePath: Type.Optional(Line),
  recipient: Type.Optional(Line),
  domain: Type.Optional(Line),
  route: Type.Optional(Line),
  reason: Type.Optional(Line),
  held: Type.Optional(Type.Boolean()),
  quarantined: Type.Optional(Type.Boolean({ description: 'Held by an entry of the chain' })),
  receivedBefore: Type.Optional(Instant),
  receivedAfter: Type.Optional(Instant),
  all: Type.Optional(Type.Boolean()),
})
export const QueueActionRequest = record({
  action: oneOf(queueActions),
  selection: QueueSelection,
  dryRun: Type.Optional(Type.Boolean({ description: 'Only say which' })),
})
export const Applied = record(
  { count: Count, ids: listOf(Type.String(), {}), dryRun: Type.Boolean() },
  'Applied',
)

export const PauseScope = record({
  what: oneOf(['all', 'domain', 'route', 'from', 'to'] as const),
  name: Type.Optional(Line),
})
export const Pauses = record({ paused: listOf(PauseScope) }, 'Pauses')

export type QueueQuery = Static<typeof QueueQuery>
export type QueueItem = Static<typeof QueueItem>
export type QueuePage = Static<typeof QueuePage>
export type QueueDetails = Static<typeof QueueDetails>
export type QueueSummary = Static<typeof QueueSummary>
export type Destination = Static<typeof Destination>
export type DamagedFiles = Static<typeof DamagedFiles>
export type SpoolCheck = Static<typeof SpoolCheck>
export type QueueSelection = Static<typeof QueueSelection>
export type QueueActionRequest = Static<typeof QueueActionRequest>
export type Applied = Static<typeof Applied>
export type PauseScope = Static<typeof PauseScope>
export type Pauses = Static<typeof Pauses>
