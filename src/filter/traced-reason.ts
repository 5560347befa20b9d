/** From an explanation: which entry a reply came from, and why. */
import type { Stage } from '../mail/status.ts'
import { text } from './read-json.ts'
import type { Trace, TracedStep } from './trace-reader.ts'

export interface TracedReason {
  readonly entry: string
  readonly reason: string
}

interface Spoken {
  readonly stage: Stage
  /** Of a recipient, from 1; 0 for the other stages. */
  readonly round: number
  /** As the client heard it; absent where nobody objected. */
  readonly objection?: { readonly status: string; readonly text: string } | undefined
}

/** @returns undefined where no entry said it: nobody vouched, a threshold, the receiver itself */
export function tracedReason(
  trace: Trace,
  { stage, round, objection }: Spoken,
): TracedReason | undefined {
  const counting = trace.steps.filter(
    (step) =>
      step.mode === 'enforce' &&
      step.kind !== 'lifted' &&
      !step.remembered &&
      step.stage === stage &&
      (round === 0 || step.round === round),
  )
  const said = counting.find((step) =>
    objection === undefined ? step.verdict === 'accept' : says(step, objection),
  )
  return said && { entry: said.entry, reason: text(said.details['reason']) }
}

function says(
  { details, verdict }: TracedStep,
  { status, text: words }: { readonly status: string; readonly text: string },
): boolean {
  const own = verdict === 'per-recipient' ? details['verdicts'] : [details]
  return (
    Array.isArray(own) &&
    own.some(
      (each) =>
        typeof each === 'object' &&
        each !== null &&
        !Array.isArray(each) &&
        each['status'] === status &&
        text(each['text']).slice(0, words.length) === words.slice(0, text(each['text']).length),
    )
  )
}
