/** Who may what: rules of tcp.smtp, allow and block lists, the greylist. */
import { Type, type Static } from 'typebox'
import { AnyJson, Count, Instant, Line, listOf, next, oneOf, pageQuery, record } from './shapes.ts'

export const TcpRule = record({
  address: Type.String({ description: 'Empty: everybody' }),
  action: oneOf(['allow', 'deny'] as const),
  variables: listOf(record({ name: Type.String(), value: Type.String() })),
  line: Type.Optional(Type.Integer()),
})
export const TcpRules = record(
  {
    file: Type.String(),
    path: Type.Optional(
      Type.String({ description: 'For /configuration/file; absent: a cdb, or outside' }),
    ),
    etag: Type.Optional(Type.String()),
    rules: listOf(TcpRule),
    more: Count,
  },
  'TcpRules',
)

export const RuleTest = record({
  ip: Type.String({ minLength: 1, maxLength: 64 }),
  host: Type.Optional(Line),
  info: Type.Optional(Line),
})
export const VariableReader = record({
  by: Type.String(),
  option: Type.Optional(Type.String()),
  default: Type.Optional(AnyJson),
  description: Type.String(),
  entries: Type.Optional(listOf(Type.String())),
})
export const RuleTestResult = record(
  {
    rule: Type.Optional(
      record({ address: Type.String(), file: Type.String(), line: Type.Optional(Type.Integer()) }),
    ),
    action: oneOf(['allow', 'deny'] as const),
    variables: listOf(
      record({
        name: Type.String(),
        value: Type.String(),
        readers: listOf(VariableReader),
        unread: Type.Optional(Type.String()),
      }),
    ),
  },
  'RuleTestResult',
)

export const Variables = record(
  {
    variables: listOf(
      record({
        name: Type.String(),
        readers: listOf(VariableReader),
        unread: Type.Optional(Type.String({ description: 'Why nobody reads it' })),
      }),
    ),
  },
  'Variables',
)

export const RelayedDomains = record(
  {
    domains: listOf(
      record({
        domain: Type.String(),
        to: Type.String({ description: 'The next hops; empty: by MX' }),
        login: Type.Boolean({ description: 'They are told a user and a password' }),
        accepted: Type.Boolean({ description: 'Its mail is taken: it stands in rcpthosts' }),
        verifiedBy: Type.Optional(Type.String()),
      }),
    ),
  },
  'RelayedDomains',
)
export const NewRelayedDomain = record({
  domain: Type.String({ minLength: 1, maxLength: 255 }),
  to: Type.String({
    minLength: 1,
    maxLength: 1000,
    description: 'host[:port], several with commas: tried in this order',
  }),
  verify: Type.Optional(Type.Boolean({ description: 'Ask the first hop about recipients' })),
  dryRun: Type.Optional(Type.Boolean({ description: 'Only say what would be written' })),
})
export const RelayQuery = record({ dryRun: Type.Optional(Type.Boolean()) })
export const RelayChange = record(
  {
    written: Type.Boolean(),
    changes: listOf(
      record({
        path: Type.String(),
        diff: Type.String({ description: 'Unified; empty where logins may stand in the file' }),
      }),
    ),
  },
  'RelayChange',
)

export const ListRule = record(
  {
    word: oneOf(['allow', 'block'] as const),
    by: oneOf(['client', 'name', 'sender', 'from'] as const),
    value: Type.String({ minLength: 1, maxLength: 320 }),
    target: Type.Optional(
      Type.String({ maxLength: 320, description: 'A recipient or a domain; absent: everybody' }),
    ),
  },
  'ListRule',
)
export const ListedRule = record({
  ...ListRule.properties,
  line: Type.Integer(),
  text: Type.String(),
})
export const Lists = record({ rules: listOf(ListedRule), more: Count }, 'Lists')
export const ListsQuery = record({ target: Type.Optional(Line) })
export const ListChange = record({
  rule: ListRule,
  note: Type.Optional(Type.String({ maxLength: 200, pattern: '^[^\\n\\r]*$' })),
})
export const ListTest = record({
  client: Type.Optional(Type.String({ maxLength: 64 })),
  name: Type.Optional(Line),
  sender: Type.Optional(Line),
  from: Type.Optional(Line),
  to: Type.Optional(Line),
  proven: Type.Optional(Type.Boolean()),
})
export const ListTestResult = record(
  {
    says: oneOf(['allow', 'block', 'unproven', 'nothing'] as const),
    rule: Type.Optional(Type.String()),
    line: Type.Optional(Type.Integer()),
  },
  'ListTestResult',
)

export const GreylistQuery = record({
  ...pageQuery,
  // It holds a key: two addresses and a network.
  cursor: Type.Optional(Type.String({ maxLength: 2000, description: '`next` of the page before' })),
  client: Type.Optional(Line),
})
export const GreylistItem = record({
  key: Type.String(),
  firstAt: Instant,
  lastAt: Instant,
  passes: Count,
  allowed: Type.Boolean(),
})
export const GreylistPage = record({ items: listOf(GreylistItem), next }, 'GreylistPage')
export const GreylistClient = record({
  client: Type.String({
    minLength: 1,
    maxLength: 320,
    description: 'An address, a network, or a domain',
  }),
})
export const GreylistChange = record({ client: Type.String(), entries: Count }, 'GreylistChange')

export type TcpRules = Static<typeof TcpRules>
export type RuleTest = Static<typeof RuleTest>
export type RuleTestResult = Static<typeof RuleTestResult>
export type Variables = Static<typeof Variables>
export type RelayedDomains = Static<typeof RelayedDomains>
export type NewRelayedDomain = Static<typeof NewRelayedDomain>
export type RelayChange = Static<typeof RelayChange>
export type ListRule = Static<typeof ListRule>
export type Lists = Static<typeof Lists>
export type ListChange = Static<typeof ListChange>
export type ListTest = Static<typeof ListTest>
export type ListTestResult = Static<typeof ListTestResult>
export type GreylistPage = Static<typeof GreylistPage>
export type GreylistChange = Static<typeof GreylistChange>
