import type { Stage } from '../mail/status.ts'
import { isPlainPass, type AnyVerdict, type Defer, type Reject } from '../plugin/verdict.ts'
import { stageOf, type Place } from './entry.ts'
import type { StepNotes } from './step-notes.ts'
import type { Fault } from './fault.ts'

/**
 * One line of a transaction's explanation.
 * `asked`: an entry answered, or failed to. `spoken`: a refusal that had been remembered was spoken.
 * `lifted`: it was not, because the entry's conditions turned out otherwise.
 */
export interface Step {
  readonly kind: 'asked' | 'spoken' | 'lifted'
  readonly place: Place
  /** When it happened; later than the place's own stage where the entry had been postponed. */
  readonly stage: Stage
  /** The recipient it was about, counted from 1 within the transaction; 0 outside `rcpt`. */
  readonly round: number
  /** What counts: the entry's answer, or what `on_fault` makes of a fault. */
  readonly verdict: AnyVerdict
  readonly fault?: Fault | undefined
  /** By the monotonic clock. */
  readonly startedMs: number
  readonly durationMs: number
  /** A refusal kept for RCPT. */
  remembered: boolean
  /** What its doors answered; absent where none was asked. */
  readonly doors?: StepNotes | undefined
}

/** Nothing to object, nothing found, and at the place's own stage. */
export function isPlainStep({ verdict, stage, place }: Step): boolean {
  return isPlainPass(verdict) && stage === stageOf(place.question)
}

export type Objection = Defer<string> | Reject<string>

/** The objection of an enforced entry. */
export function objectionOf({ place, verdict }: Step): Objection | undefined {
  return place.entry.shadow ? undefined : asObjection(verdict)
}

export function asObjection(verdict: AnyVerdict): Objection | undefined {
  return verdict.verdict === 'defer' || verdict.verdict === 'reject' ? verdict : undefined
}

/** @returns the name of the entry whose answer the objection is; undefined where it is nobody's: a sum, or that nobody vouched */
export function objectorAmong(steps: readonly Step[], objection: Objection): string | undefined {
  return steps.findLast(
    ({ verdict, place }) =>
      !place.entry.shadow &&
      (verdict === objection ||
        (verdict.verdict === 'per-recipient' &&
          verdict.verdicts.some((part) => part === objection))),
  )?.place.entry.name
}
