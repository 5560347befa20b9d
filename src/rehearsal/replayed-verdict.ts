/** What the chain made of each recipient, in words that can be compared and counted. */
import { redecide, type Redecided } from '../filter/redecide.ts'
import { tracedReason } from '../filter/traced-reason.ts'
import type { Trace } from '../filter/trace-reader.ts'
import type { Stage } from '../mail/status.ts'

export interface ReplayedVerdict {
  /** `passed`: the chain let it on, and the client did not go on. */
  readonly verdict: 'accepted' | 'held' | 'discarded' | 'deferred' | 'rejected' | 'passed'
  readonly stage: Stage
  readonly reason?: string
  /** Whose it is; absent where it is nobody's. */
  readonly entry?: string
  /** What the client is told, where that is no yes. */
  readonly status?: string
  readonly text?: string
}

/** One for each RCPT; one alone where there was none. @returns undefined where steps are missing */
export function verdictsOf(trace: Trace): readonly ReplayedVerdict[] | undefined {
  const decided = redecide(trace)
  if (decided === undefined) return undefined
  if (trace.recipients.length === 0) return [ruled(trace, trace.stage, 0, decided.last)]
  let taken = 0
  let served = 0
  return decided.recipients.map((recipient, index): ReplayedVerdict => {
    if (recipient.ruling !== 'pass') return ruled(trace, 'rcpt', index + 1, recipient)
    const accepted = taken++
    if (trace.stage === 'data') return ruled(trace, 'data', 0, decided.last)
    if (trace.stage !== 'message') return { verdict: 'passed', stage: 'rcpt' }
    const own = decided.each[accepted] ?? decided.last
    if (own.ruling !== 'pass') return ruled(trace, 'message', 0, own)
    const outcome = decided.outcomes[served++]
    const { disposition, reason, opinion } = outcome ?? {}
    return {
      verdict:
        disposition === 'hold' ? 'held' : disposition === 'discard' ? 'discarded' : 'accepted',
      stage: 'message',
      ...(reason === undefined ? {} : { reason }),
      ...(opinion === undefined ? {} : { entry: opinion.entry }),
    }
  })
}

/** What the client is told in words may have come from the DNS, and is no part of it. */
export function isSameVerdict(a: ReplayedVerdict, b: ReplayedVerdict): boolean {
  return describe(a) === describe(b) && a.status === b.status
}

/** `rejected DNSBL (dnsbl)`, `accepted`, `held SCORE` */
export function describe({ verdict, reason, status, entry }: ReplayedVerdict): string {
  const why = reason === undefined || reason === '' ? status : reason
  return [
    verdict,
    ...(why === undefined ? [] : [why]),
    ...(entry === undefined ? [] : [`(${entry})`]),
  ].join(' ')
}

// oxlint-disable-next-line max-params -- where, and what
function ruled(trace: Trace, stage: Stage, round: number, said: Redecided): ReplayedVerdict {
  if (said.ruling === 'pass') return { verdict: 'passed', stage }
  const { status, text } = said
  const why = tracedReason(trace, { stage, round, objection: { status, text } })
  return {
    verdict: said.ruling === 'defer' ? 'deferred' : 'rejected',
    stage,
    status,
    text,
    ...(why === undefined ? {} : { entry: why.entry }),
    ...(why === undefined || why.reason === '' ? {} : { reason: why.reason }),
  }
}
