/** All opinions on a message, and what they come to: asked once to know what would be committed, and again when it is signed. */
import type { Transaction } from '../mail/session.ts'
import type { MessageEvent } from '../smtp/policy.ts'
import {
  decideMessage,
  type Decision,
  type Opinion,
  type Thresholds,
  type WholeDecision,
} from './decision.ts'
import type { Generation } from './generation.ts'
import type { Inquiry } from './inquiry.ts'
import type { MessageRound } from './message-round.ts'
import { countsAtMessage, messageOpinions, scopesOf } from './opinions.ts'
import type { PlacementRequest, Replaced } from './placements.ts'
import type { SessionRecorder } from './session-recorder.ts'

export interface Weighed {
  readonly decided: Decision
  /** For the recipients that are served. */
  readonly requestFor: (whole: Taken) => PlacementRequest
}

type Taken = Extract<WholeDecision, { readonly decision: 'commit' }>

export interface WeighingParts {
  readonly inquiry: Inquiry
  readonly recorder: SessionRecorder
}

export interface Weighing {
  readonly event: MessageEvent
  readonly round: MessageRound
  /** What stands in the place of the message. */
  readonly replaced?: Replaced | undefined
}

export function weigh(
  { inquiry, recorder }: WeighingParts,
  { event, round, replaced }: Weighing,
): Weighed {
  const { transaction, message, answers } = event
  const { thresholds, tagging } = inquiry.generation
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
  const decided = decideMessage(opinions, { recipients, thresholds, own, answers })
  const applied = opinions.filter(counts).toSorted((a, b) => a.number - b.number)
  const requestFor = (whole: Taken): PlacementRequest => ({
    transaction,
    decided: whole,
    opinions: applied,
    thresholds,
    own,
    tagging,
    message,
    replaced,
  })
  return { decided, requestFor }
}

/** One for each recipient; undefined where the general thresholds hold for all of them. */
function ownThresholds(
  generation: Generation,
  { recipients }: Transaction,
): readonly Thresholds[] | undefined {
  if (generation.thresholdRules.size === 0) return undefined
  const own = recipients.map((recipient) => generation.thresholdsFor(recipient))
  return own.every((each) => each === generation.thresholds) ? undefined : own
}

function counts({ kind, shadow }: Opinion): boolean {
  return kind === 'asked' && !shadow
}
