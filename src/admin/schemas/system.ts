/** The gateway itself: what runs, what it says, what happens now, and what it would say. */
import { Type, type Static } from 'typebox'
import { Count, Instant, Line, listOf, oneOf, record } from './shapes.ts'
import { outcomes, TracedStep } from './messages.ts'

export const Certificate = record({
  subject: Type.String(),
  issuer: Type.String(),
  notBefore: Instant,
  notAfter: Instant,
  names: listOf(Type.String()),
})
export const System = record(
  {
    version: Type.String(),
    node: Type.String(),
    hostname: Type.String(),
    folder: Type.String(),
    startedAt: Type.Optional(Instant),
    now: Instant,
    running: Type.Boolean({ description: 'A gateway holds the spool' }),
    workers: listOf(record({ shard: Type.Integer(), answers: Type.Boolean() })),
    listeners: listOf(
      record({
        name: Type.String(),
        role: Type.String(),
        address: Type.String(),
        tls: Type.String(),
        maxConnections: Count,
        certificate: Type.Optional(Certificate),
      }),
    ),
    spool: record({
      path: Type.String(),
      freeBytes: Type.Optional(Type.Number()),
      totalBytes: Type.Optional(Type.Number()),
    }),
    store: record({ path: Type.String(), sizeBytes: Type.Optional(Count), traces: Count }),
    log: record({ level: Type.String(), to: Type.String(), readable: Type.Boolean() }),
  },
  'System',
)
export const LogQuery = record({
  lines: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
})
export const LogTail = record({ lines: listOf(Type.String()), cut: Type.Boolean() }, 'LogTail')

/** One slice of time. */
export const Slice = record({
  at: Instant,
  accepted: Count,
  quarantined: Count,
  discarded: Count,
  refused: Count,
  deferred: Count,
  abandoned: Count,
})
export const Now = record(
  {
    at: Instant,
    sliceMs: Type.Integer(),
    slices: listOf(Slice),
    reasons: listOf(record({ outcome: oneOf(outcomes), reason: Type.String(), count: Count })),
    queue: Type.Optional(
      record({ messages: Count, held: Count, oldestAt: Type.Optional(Instant) }),
    ),
    health: Type.Optional(
      record({
        /** Those that are not asked, because what they depend on does not answer. */
        silentEntries: listOf(Type.String()),
        nextHopsDown: Count,
        deliveryPaused: Type.Boolean(),
        workers: Count,
        workersWanted: Count,
      }),
    ),
    stale: Type.Boolean({ description: 'The trace store cannot be read at the moment' }),
  },
  'Now',
)

export const TryRequest = record({
  ip: Type.String({ minLength: 1, maxLength: 64 }),
  host: Type.Optional(Type.String({ maxLength: 255, description: "The client's name by DNS" })),
  hello: Type.Optional(Type.String({ maxLength: 255 })),
  listener: Type.Optional(Type.String({ maxLength: 64 })),
  user: Type.Optional(Type.String({ maxLength: 320, description: 'As if it had logged in' })),
  reversePath: Type.String({ maxLength: 320, description: 'Empty: the null path' }),
  recipients: listOf(Type.String({ minLength: 1, maxLength: 320 }), { minItems: 1, maxItems: 20 }),
  message: Type.Optional(Type.String({ maxLength: 1_000_000, description: 'Header and body' })),
})
export const TryResult = record(
  {
    outcome: oneOf(outcomes),
    replies: listOf(
      record({
        verb: Type.String(),
        code: Type.Integer(),
        status: Type.String(),
        text: Type.String(),
      }),
    ),
    rule: Type.Optional(
      Type.String({
        description: 'The rule of tcp.smtp that holds for the client, and where it stands',
      }),
    ),
    steps: listOf(TracedStep),
    check: listOf(Line),
  },
  'TryResult',
)

export const Health = record({ status: oneOf(['ok', 'degraded'] as const) }, 'Health')
export const Readiness = record(
  {
    status: oneOf(['ok', 'degraded'] as const),
    gateway: Type.Boolean(),
    configuration: Type.Boolean(),
  },
  'Readiness',
)

export type System = Static<typeof System>
export type Certificate = Static<typeof Certificate>
export type LogTail = Static<typeof LogTail>
export type Now = Static<typeof Now>
export type Slice = Static<typeof Slice>
export type TryRequest = Static<typeof TryRequest>
export type TryResult = Static<typeof TryResult>
export type Readiness = Static<typeof Readiness>
