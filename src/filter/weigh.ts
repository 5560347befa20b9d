/** What is known at `message` so far, weighed: asked before who has the last word, and once more after it. */
import type { Transaction } from '../mail/session.ts'
import type { MessageEvent } from '../smtp/policy.ts'
import { decideMessage, type Decision, type Opinion, type Thresholds } from './decision.ts'
import type { Generation } from './generation.ts'
import type { Inquiry } from './inquiry.ts'
import type { MessageRound } from './message-round.ts'
import { countsAtMessage, messageOpinions, scopesOf } from './opinions.ts'
import type { SessionRecorder } from './session-recorder.ts'

export interface Weighed {
  readonly opinions: readonly Opinion[]
  /** One for each recipient; undefined where the general thresholds hold for all of them. */
  readonly own: readonly Thresholds[] | undefined
  readonly decided: Decision
}

export function weigh(
  { inquiry, recorder }: { readonly inquiry: Inquiry; readonly recorder: SessionRecorder },
  { transaction, answers }: MessageEvent,
  round: MessageRound,
): Weighed {
  const { thresholds } = inquiry.generation
  const own = ownThresholds(inquiry.generation, transaction)
  const steps = inquiry.trail.all.filter(countsAtMessage)
  const scopes = scopesOf(inquiry, transaction, {
    steps,
    indexOfRound: recorder.indexOfRound(transaction),
    known: round.scopes,
  })
  recorder.scoped(scopes)
  if (own !== undefined) recorder.judgedBy(own)
  const opinions = messageOpinions(steps, scopes)
  const recipients = transaction.recipients.length
  return {
    opinions,
    own,
    decided: decideMessage(opinions, { recipients, thresholds, own, answers }),
  }
}

function ownThresholds(
  generation: Generation,
  { recipients }: Transaction,
): readonly Thresholds[] | undefined {
  if (generation.thresholdRules.size === 0) return undefined
  const own = recipients.map((recipient) => generation.thresholdsFor(recipient))
  return own.every((each) => each === generation.thresholds) ? undefined : own
}
