/**
 * Deciding once more, from nothing but what was stored. What comes out is what the client was told:
 * a test holds this for every chain it can think of, so that a trace can be believed.
 */
import { parseMailbox } from '../mail/address.ts'
import { objectionCode, type Stage } from '../mail/status.ts'
import { decideMessage, decideRecipient, type Opinion, type Outcome } from './decision.ts'
import { readVerdict } from './read-verdict.ts'
import { anotherClass, denied, noSuchLogin, settingsFault } from './refusals.ts'
import type { Objection } from './step.ts'
import type { Trace, TracedStep } from './trace-reader.ts'

/** What the chain ruled, as the client heard it. */
export type Redecided =
  | { readonly ruling: 'pass' }
  | {
      readonly ruling: 'defer' | 'reject'
      readonly code: number
      readonly status: string
      readonly text: string
    }

export interface RedecidedTrace {
  /** For every RCPT that was asked about. */
  readonly recipients: readonly Redecided[]
  /** At the last stage that was asked. */
  readonly last: Redecided
  /** At `message`, where it passed: one for each accepted recipient that was taken. */
  readonly outcomes: readonly Outcome[]
  /** At `message`, where recipients were told different things: one for each that RCPT had accepted. */
  readonly each: readonly Redecided[]
}

const passed: Redecided = { ruling: 'pass' }

/** @returns undefined for a trace with steps missing. */
export function redecide(trace: Trace): RedecidedTrace | undefined {
  if (trace.lost > 0) return undefined
  const recipients = trace.recipients.map(({ address, ruled }, index) =>
    spoken(
      'rcpt',
      ruled === anotherClass.reason ? anotherClass : recipientObjection(trace, address, index + 1),
    ),
  )
  if (trace.stage === 'message') return { recipients, ...atMessage(trace) }
  const last =
    trace.stage === 'rcpt'
      ? (recipients.at(-1) ?? passed)
      : spoken(trace.stage, lastObjection(trace))
  return { recipients, last, outcomes: [], each: [] }
}

function atMessage(trace: Trace): Omit<RedecidedTrace, 'recipients'> {
  const decided = messageDecision(trace)
  const differs = decided.decision === 'each'
  const whole = differs ? decided.whole : decided
  const outcomes = whole.decision === 'commit' ? whole.outcomes : []
  const say = (objection: Objection | undefined): Redecided =>
    // The session does not end between the replies to two recipients: no reply says so.
    spoken(
      'message',
      differs && objection !== undefined ? { ...objection, close: false } : objection,
    )
  return {
    last: say(whole.decision === 'refuse' ? whole.objection : undefined),
    outcomes: outcomes.filter((outcome) => outcome !== undefined),
    each: differs ? decided.objections.map(say) : [],
  }
}

function recipientObjection(trace: Trace, address: string, round: number): Objection | undefined {
  const opinions = trace.steps.filter((step) => step.round === round).map((step) => opinionOf(step))
  const mailbox = parseMailbox(address, { smtputf8: true, barePostmaster: true })
  return decideRecipient(opinions, mailbox ?? { localPart: address, domain: '' }, trace.hostname)
}

function messageDecision(trace: Trace): ReturnType<typeof decideMessage> {
  const rounds = trace.recipients.flatMap(({ accepted }, index) => (accepted ? [index + 1] : []))
  const opinions = trace.steps.map((step) => opinionOf(step, rounds))
  const { thresholds, each } = trace
  const recipients = rounds.length
  const own = trace.own.length === 0 ? undefined : trace.own
  return decideMessage(opinions, { recipients, thresholds, own, answers: each ? 'each' : 'one' })
}

/** At connect, hello and mail what was spoken counts, at data the first objection. */
function lastObjection({ stage, steps, ruled }: Trace): Objection | undefined {
  if (ruled !== undefined) return ruledBy(ruled)
  const own = steps.filter((step) => step.stage === stage && step.mode === 'enforce')
  const counting = stage === 'data' ? own : own.filter(({ kind }) => kind === 'spoken')
  for (const step of counting) {
    const verdict = readVerdict(step.details)
    if (verdict.verdict === 'defer' || verdict.verdict === 'reject') return verdict
  }
  return undefined
}

/** What is said without an entry's objection. */
function ruledBy(reason: string): Objection {
  return [denied, noSuchLogin].find((known) => known.reason === reason) ?? settingsFault
}

function spoken(stage: Stage, objection: Objection | undefined): Redecided {
  if (objection === undefined) return passed
  const { verdict, status, text: said, close } = objection
  return { ruling: verdict, code: objectionCode({ stage, status, close }), status, text: said }
}

/** @param rounds of the accepted recipients, in order: an opinion from RCPT speaks of its own only. */
function opinionOf(step: TracedStep, rounds: readonly number[] = []): Opinion {
  const { kind, number: place, question, mode, round } = step
  const index = rounds.indexOf(round)
  const recipients = question === 'rcpt' ? (index < 0 ? [] : [index]) : step.recipients
  return {
    kind,
    number: place,
    question,
    entry: step.entry,
    shadow: mode === 'shadow',
    verdict: readVerdict(step.details),
    ...(recipients === undefined ? {} : { recipients }),
  }
}
