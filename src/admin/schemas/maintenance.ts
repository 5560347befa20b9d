/** What an operator does to an installation, or asks of it, besides its mail: the other half of the commands. */
import { Type, type Static } from 'typebox'
import { AnyJson, Count, Instant, Line, listOf, Mistake, oneOf, record } from './shapes.ts'

/** What came of reading the configuration anew, or of new workers. */
export const Reloaded = record(
  {
    done: Type.Boolean(),
    needsRestart: listOf(Type.String(), {}),
  },
  'Reloaded',
)
export const RestartRequest = record({
  graceMs: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 60_000,
      description: 'What sessions and deliveries may take to end; 30 s where nothing is said',
    }),
  ),
})
export const Restarted = record({ done: Type.Boolean(), doubts: listOf(Mistake) }, 'Restarted')
export const Reception = record(
  { admits: Type.Boolean({ description: 'False: clients are told to come back later (421)' }) },
  'Reception',
)

export const Examination = record(
  {
    about: Type.String({ description: 'Stable, such as `spool` or `ports`' }),
    state: oneOf(['well', 'warning', 'problem'] as const),
    says: Type.String(),
    remedy: Type.Optional(Type.String({ description: 'What to type, or to do' })),
  },
  'Examination',
)
export const Examinations = record(
  { ok: Type.Boolean(), examinations: listOf(Examination) },
  'Examinations',
)

export const Alerts = record(
  {
    configured: Type.Boolean({ description: 'Somebody is told' }),
    active: listOf(
      record({
        key: Type.String(),
        summary: Type.String(),
        since: Instant,
      }),
    ),
    untold: Type.Integer({ description: 'Notices that nobody could be told of yet' }),
    trouble: Type.Optional(Type.String({ description: 'Why not, the last time' })),
  },
  'Alerts',
)

export const TlsReportQuery = record({
  domain: Type.Optional(Line),
  day: Type.Optional(
    Type.String({
      pattern: '^\\d{4}-\\d\\d-\\d\\d$',
      description: 'Such as 2026-11-21, in UTC; absent: today',
    }),
  ),
})
export const TlsReports = record(
  {
    day: Type.String(),
    reports: listOf(AnyJson, {}),
  },
  'TlsReports',
)

export const ControlFile = record(
  {
    name: Type.String(),
    kind: Type.String(),
    meaning: Type.String(),
    qmail: Type.String({ description: 'The program of qmail that reads it' }),
    postern: Type.Optional(Type.String({ description: 'What of Postern reads it' })),
    unread: Type.Optional(Type.String({ description: 'Why it has no effect' })),
    there: Type.Boolean(),
    value: listOf(Type.String(), {}),
    sizeBytes: Type.Optional(Count),
    problem: Type.Optional(Type.String()),
  },
  'ControlFile',
)
export const ControlFiles = record(
  {
    folder: Type.String(),
    files: listOf(ControlFile),
    unknown: listOf(Type.String(), {}),
    stale: listOf(record({ text: Type.String(), cdb: Type.String(), why: Type.String() })),
  },
  'ControlFiles',
)

export const CompileRequest = record({
  dryRun: Type.Optional(Type.Boolean({ description: 'Only say what is stale' })),
})
export const CompiledFiles = record(
  {
    files: listOf(
      record({
        text: Type.String(),
        cdb: Type.String(),
        state: oneOf(
          ['fresh', 'stale', 'missing', 'broken'] as const,
          'broken: the text has mistakes, and its cdb stays',
        ),
        made: Type.Boolean(),
      }),
    ),
  },
  'CompiledFiles',
)

export const ShadowQuery = record({
  sinceMs: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 7 * 86_400_000,
      default: 86_400_000,
      description: 'How far back from now',
    }),
  ),
  examples: Type.Optional(Type.Integer({ minimum: 0, maximum: 20, default: 3 })),
})
export const ShadowReport = record(
  {
    since: Instant,
    transactions: Count,
    entries: listOf(
      record({
        entry: Type.String(),
        plugin: Type.String(),
        asked: Count,
        objected: Count,
        reasons: listOf(
          record({
            would: Type.String(),
            reason: Type.String(),
            count: Count,
            accepted: Count,
            refused: Count,
            givenUp: Count,
            examples: listOf(Type.String(), {}),
          }),
        ),
      }),
    ),
  },
  'ShadowReport',
)

export type Reloaded = Static<typeof Reloaded>
export type RestartRequest = Static<typeof RestartRequest>
export type Restarted = Static<typeof Restarted>
export type Reception = Static<typeof Reception>
export type Examinations = Static<typeof Examinations>
export type Alerts = Static<typeof Alerts>
export type TlsReportQuery = Static<typeof TlsReportQuery>
export type TlsReports = Static<typeof TlsReports>
export type ControlFiles = Static<typeof ControlFiles>
export type CompiledFiles = Static<typeof CompiledFiles>
export type ShadowQuery = Static<typeof ShadowQuery>
export type ShadowReport = Static<typeof ShadowReport>
