/**
 * What would have become of a transaction if one entry had not been there. It is decided from the recorded steps, so it is
 * only known where nobody who was not asked could have changed it; else it says how many these are.
 */
import { decideRecipient } from '../filter/decision.ts'
import { redecide } from '../filter/redecide.ts'
import { stageOf } from '../filter/entry.ts'
import type { Trace, TracedPlace, TracedStep } from '../filter/trace-reader.ts'
import { objectionCode, stages, type Stage } from '../mail/status.ts'

export type Counterfactual = { readonly without: string } & (
  | {
      readonly outcome: 'accepted' | 'quarantined' | 'discarded'
    }
  | {
      readonly outcome: 'refused' | 'deferred'
      /** What the client would have been told. */
      readonly code: number
      readonly status: string
      readonly text: string
    }
  | {
      readonly outcome: 'not known'
      /** Entries that were not asked, or not waited for: it was refused before. */
      readonly notAsked: number
    }
)

const mostEntries = 50

/** For each entry that refused, held, discarded, or added to the score; none where steps were lost or all went well. */
export function counterfactuals(trace: Trace): readonly Counterfactual[] {
  if (trace.lost > 0 || !wentWrong(trace)) return []
  const names = new Set(trace.steps.filter(speaksAgainst).map(({ entry }) => entry))
  return [...names].slice(0, mostEntries).flatMap((name) => {
    const found = without(trace, name)
    return found === undefined ? [] : [found]
  })
}

function wentWrong(trace: Trace): boolean {
  return isRefused(trace) || trace.placements.some(({ disposition }) => disposition !== 'deliver')
}

/** Whose recipients are all refused mostly leaves with QUIT or RSET: nothing else refuses the transaction then. */
function isRefused({ end, recipients }: Trace): boolean {
  return (
    end === 'refused' || (recipients.length > 0 && !recipients.some(({ accepted }) => accepted))
  )
}

function speaksAgainst(step: TracedStep): boolean {
  const { mode, kind, verdict, details } = step
  if (mode === 'shadow' || kind === 'lifted' || isCalledOff(step)) return false
  if (verdict !== 'pass' && verdict !== 'accept') return true
  const { score, recipientScores } = details
  return (typeof score === 'number' && score > 0) || Array.isArray(recipientScores)
}

/** @returns undefined for a transaction of which no reply depends on that entry */
export function without(trace: Trace, entry: string): Counterfactual | undefined {
  if (!trace.steps.some((step) => step.entry === entry) || trace.ruled !== undefined) {
    return undefined
  }
  const steps = trace.steps.filter((step) => step.entry !== entry && !isCalledOff(step))
  const decided = redecide({ ...trace, steps })
  if (decided === undefined) return undefined
  const { recipients, outcomes } = decided
  // Nobody vouched, perhaps because whoever would have was never asked: only an objection is sure to stay.
  const isCertain = (round: number): boolean =>
    unasked(trace, entry, round) === 0 ||
    steps.some((step) => objects(step) && isAbout(step, round))
  const round = trace.stage === 'rcpt' ? tellingRound(recipients, isCertain) : 0
  const last = recipients[round - 1] ?? decided.last
  const notAsked = unasked(trace, entry, round)
  if (last.ruling !== 'pass' && isCertain(round)) {
    const { code, status, text } = last
    return {
      without: entry,
      outcome: last.ruling === 'reject' ? 'refused' : 'deferred',
      code,
      status,
      text,
    }
  }
  if (notAsked > 0) return { without: entry, outcome: 'not known', notAsked }
  // No recipient was named yet, and nobody is left who could vouch for one.
  if (stages.indexOf(trace.stage) < stages.indexOf('rcpt')) return unvouched(trace, entry)
  const [first] = outcomes
  const all = (disposition: string): boolean =>
    first !== undefined && outcomes.every((outcome) => outcome.disposition === disposition)
  if (all('hold')) return { without: entry, outcome: 'quarantined' }
  return { without: entry, outcome: all('discard') ? 'discarded' : 'accepted' }
}

/** One recipient is enough to go on with, whatever the others were told: one that passes, or may. */
function tellingRound(
  recipients: readonly { readonly ruling: string }[],
  isCertain: (round: number) => boolean,
): number {
  const passes = recipients.findIndex(({ ruling }) => ruling === 'pass') + 1
  const may = recipients.findIndex((_, index) => !isCertain(index + 1)) + 1
  return passes || may || recipients.length
}

function unvouched({ hostname }: Trace, entry: string): Counterfactual {
  const said = decideRecipient([], { localPart: 'anybody', domain: 'elsewhere.invalid' }, hostname)
  if (said === undefined) return { without: entry, outcome: 'accepted' }
  const { status, text } = said
  const code = objectionCode({ stage: 'rcpt', status, close: false })
  return { without: entry, outcome: 'refused', code, status, text }
}

/** It had not answered when another's objection decided: what it would have said nobody knows. */
function isCalledOff({ fault }: TracedStep): boolean {
  return fault?.kind === 'aborted'
}

function objects({ mode, kind, verdict }: TracedStep): boolean {
  return mode === 'enforce' && kind !== 'lifted' && (verdict === 'reject' || verdict === 'defer')
}

/** What was said of one recipient is no objection to another. */
function isAbout(step: TracedStep, round: number): boolean {
  return step.round === 0 || step.round === round
}

/** Enforced entries whose turn would have come after the refusal. @param round of the RCPT, where one was refused */
// oxlint-disable-next-line max-params -- whose turn, without whom, and where
function unasked(trace: Trace, entry: string, round: number): number {
  if (!isRefused(trace)) return 0
  const reached = stages.indexOf(trace.stage)
  const asked = new Set(
    trace.steps
      .filter((step) => !isCalledOff(step))
      .filter((step) => step.question !== 'rcpt' || step.round === round || round === 0)
      .map(({ number }) => number),
  )
  const last = Math.max(
    -1,
    ...trace.steps
      .filter((step) => step.entry === entry && reachesStage(step, trace.stage))
      .map(({ number }) => number),
  )
  return trace.places.filter((place) => {
    if (place.shadow || place.entry === entry || asked.has(place.number)) return false
    const stage = stages.indexOf(stageOfPlace(place))
    return stage > reached || place.number > last
  }).length
}

function reachesStage({ stage, kind }: TracedStep, last: Stage): boolean {
  return stage === last || kind === 'spoken'
}

function stageOfPlace({ question }: TracedPlace): Stage {
  return stageOf(question)
}
