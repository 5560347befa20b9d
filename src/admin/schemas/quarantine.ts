/** Held mail, shown so that nothing of it can act: plain text only, no address of the world is asked. */
import { Type, type Static } from 'typebox'
import { Count, Instant, JsonMap, Line, listOf, next, oneOf, pageQuery, record } from './shapes.ts'

const search = {
  sender: Type.Optional(Line),
  recipient: Type.Optional(Line),
  subject: Type.Optional(Line),
  reason: Type.Optional(Line),
  entry: Type.Optional(Line),
  before: Type.Optional(Instant),
  after: Type.Optional(Instant),
}
export const QuarantineQuery = record({ ...pageQuery, ...search })

export const HeldItem = record(
  {
    id: Type.String(),
    transaction: Type.String(),
    receivedAt: Instant,
    reversePath: Type.String(),
    recipients: listOf(Type.String()),
    subject: Type.String(),
    reason: Type.String(),
    entry: Type.Optional(Type.String()),
    score: Type.Optional(Type.Number()),
    sizeBytes: Count,
    mayRelease: Type.Boolean({ description: 'Whether who asks may let it go' }),
  },
  'HeldItem',
)
export const HeldPage = record({ items: listOf(HeldItem), next }, 'HeldPage')

export const Attachment = record({
  part: Type.String({ description: 'Its place among the parts, such as 1.2' }),
  name: Type.Optional(Type.String()),
  type: Type.String(),
  sizeBytes: Count,
})
export const HeldDetails = record(
  {
    ...HeldItem.properties,
    evidence: JsonMap,
    headers: listOf(record({ name: Type.String(), value: Type.String() })),
    text: Type.Optional(
      Type.String({ description: 'Of the first text part; HTML is reduced to text' }),
    ),
    textFrom: Type.Optional(oneOf(['plain', 'html'] as const)),
    textCut: Type.Boolean({ description: 'The text goes on' }),
    attachments: listOf(Attachment),
    siblings: listOf(HeldItem),
  },
  'HeldDetails',
)

export const quarantineActions = [
  'release',
  'delete',
  'learn-ham',
  'learn-spam',
  'allow-sender',
  'copy',
] as const
/** One of `ids`, `selection` and `all`. */
export const QuarantineActionRequest = record({
  action: oneOf(quarantineActions),
  ids: Type.Optional(listOf(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: 500 })),
  selection: Type.Optional(record(search)),
  all: Type.Optional(Type.Boolean({ description: 'Everything that is held' })),
  everybody: Type.Optional(
    Type.Boolean({ description: 'For every recipient for whom the same message is held' }),
  ),
  copyTo: Type.Optional(
    Type.String({ maxLength: 320, description: 'Of `copy`: who gets it; it stays held' }),
  ),
})
export const QuarantineActionResult = record(
  {
    count: Count,
    ids: listOf(Type.String()),
    learned: listOf(
      record({ id: Type.String(), entry: Type.String(), problem: Type.Optional(Type.String()) }),
    ),
    rules: listOf(Type.String(), {}),
  },
  'QuarantineActionResult',
)

export type QuarantineQuery = Static<typeof QuarantineQuery>
export type HeldItem = Static<typeof HeldItem>
export type HeldPage = Static<typeof HeldPage>
export type HeldDetails = Static<typeof HeldDetails>
export type Attachment = Static<typeof Attachment>
export type QuarantineActionRequest = Static<typeof QuarantineActionRequest>
export type QuarantineActionResult = Static<typeof QuarantineActionResult>
