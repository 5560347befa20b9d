/** The entries of the chain, in order, and their options. */
import { Type, type Static } from 'typebox'
import { AnyJson, Check, Count, JsonMap, listOf, oneOf, record } from './shapes.ts'

export const modes = ['enforce', 'shadow', 'off'] as const

/** Since the gateway was started; of the newest transactions where none answers. */
export const EntryNumbers = record({
  asked: Count,
  objected: Type.Integer({ minimum: 0, description: 'defer, reject, quarantine, discard' }),
  would: Type.Integer({ minimum: 0, description: 'The same, in shadow' }),
  faults: Count,
  recentFaults: Type.Optional(
    Type.Integer({ description: 'In the last hour, as far as that was watched' }),
  ),
  p50Ms: Type.Optional(Type.Number()),
  p99Ms: Type.Optional(Type.Number()),
})

export const ChainEntry = record(
  {
    name: Type.String(),
    plugin: Type.String(),
    mode: oneOf(modes),
    stages: listOf(Type.String()),
    summary: Type.Optional(Type.String()),
    onFault: Type.Optional(Type.String()),
    timeoutMs: Type.Optional(Type.Number()),
    refuseAt: Type.Optional(Type.String()),
    first: Type.Boolean(),
    conditional: Type.Boolean(),
    options: AnyJson,
    line: Type.Optional(Type.Integer({ description: 'In postern.yaml' })),
    numbers: Type.Optional(EntryNumbers),
    breaker: Type.Optional(
      Type.String({ description: 'open: not asked, because what it depends on does not answer' }),
    ),
  },
  'ChainEntry',
)
export const Chain = record(
  {
    etag: Type.String({ description: 'Of postern.yaml: If-Match of a change' }),
    entries: listOf(ChainEntry),
    check: Check,
    sample: Type.Integer({ description: 'Transactions that the numbers come from' }),
    since: Type.Optional(
      Type.Integer({
        description: 'The gateway counts since then; absent: the newest transactions',
      }),
    ),
  },
  'Chain',
)
export const ChainEntryDetails = record(
  {
    ...ChainEntry.properties,
    etag: Type.String(),
    description: Type.Optional(Type.String()),
    schema: JsonMap,
    variables: listOf(
      record({
        name: Type.String(),
        option: Type.Optional(Type.String()),
        description: Type.String(),
      }),
    ),
    needs: listOf(Type.String()),
  },
  'ChainEntryDetails',
)

/** Absent keys stay as they are; `null` takes a key away. */
export const ChainEntryChange = record({
  mode: Type.Optional(oneOf(modes)),
  options: Type.Optional(Type.Union([JsonMap, Type.Null()])),
  timeout: Type.Optional(Type.Union([Type.String({ maxLength: 20 }), Type.Null()])),
  on_fault: Type.Optional(
    Type.Union([oneOf(['defer', 'pass', 'reject', 'quarantine'] as const), Type.Null()]),
  ),
  note: Type.Optional(Type.String({ maxLength: 500, description: 'Why, for the history' })),
})

export type Chain = Static<typeof Chain>
export type ChainEntry = Static<typeof ChainEntry>
export type EntryNumbers = Static<typeof EntryNumbers>
export type ChainEntryDetails = Static<typeof ChainEntryDetails>
export type ChainEntryChange = Static<typeof ChainEntryChange>
