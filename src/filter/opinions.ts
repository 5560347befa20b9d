/** From the steps of a session to what decisions are made of. */
import type { Transaction } from '../mail/session.ts'
import { isPlainPass } from '../plugin/verdict.ts'
import { applies, decidedly } from './applies.ts'
import type { Opinion } from './decision.ts'
import { stageOf } from './entry.ts'
import type { Inquiry } from './inquiry.ts'
import type { Step } from './step.ts'

/** The recipients that a step speaks of, where these are not all. */
export type Scopes = ReadonlyMap<Step, readonly number[]>

/** Whether a step has a say in what becomes of the message. */
export function countsAtMessage({ place, verdict }: Step): boolean {
  if (isPlainPass(verdict)) return false
  return (
    stageOf(place.question) === 'message' ||
    verdict.score !== undefined ||
    verdict.headerEdits !== undefined ||
    verdict.envelopeEdits !== undefined
  )
}

/** The steps of one recipient. */
export function recipientOpinions(steps: readonly Step[]): readonly Opinion[] {
  return steps
    .filter(({ verdict }) => !isPlainPass(verdict))
    .map((step) => opinionOf(step, undefined))
}

/** Of steps that count at `message`. */
export function messageOpinions(steps: readonly Step[], scopes: Scopes): readonly Opinion[] {
  return steps.map((step) => opinionOf(step, scopes.get(step)))
}

function opinionOf(
  { kind, place, verdict }: Step,
  recipients: readonly number[] | undefined,
): Opinion {
  const { number, question, entry } = place
  const opinion = { kind, number, question, entry: entry.name, shadow: entry.shadow, verdict }
  return recipients === undefined ? opinion : { ...opinion, recipients }
}

export interface Scoping {
  /** Those that count at `message`. */
  readonly steps: readonly Step[]
  /** The transaction's recipient that was asked about in a round; undefined where it was refused. */
  readonly indexOfRound: (round: number) => number | undefined
  /** Of the steps at `message`. */
  readonly known: Scopes
}

/**
 * Whom each opinion speaks of, once everything is known: one from RCPT of its recipient, one from an
 * entry with conditions of those who meet them.
 */
export function scopesOf(
  inquiry: Inquiry,
  { recipients }: Transaction,
  { steps, indexOfRound, known }: Scoping,
): Scopes {
  const scopes = new Map(known)
  for (const step of steps) {
    const { entry, question } = step.place
    if (stageOf(question) === 'message') continue
    if (question === 'rcpt') {
      const index = indexOfRound(step.round)
      scopes.set(step, index === undefined ? [] : [index])
    } else if (entry.condition !== undefined) {
      const scope = recipients.flatMap((recipient, index) =>
        applies(inquiry, step.place, recipient, decidedly) === true ? [index] : [],
      )
      if (scope.length < recipients.length) scopes.set(step, scope)
    }
  }
  return scopes
}
