/**
 * The stages before `message`: one entry after the other, until one objects. Shadow entries that come
 * after an objection are still asked, to show what they would have said, within a budget.
 */
import type { Recipient } from '../mail/envelope.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import { applies } from './applies.ts'
import type { AskedPlace, Events, Place, Question } from './entry.ts'
import type { Inquiry } from './inquiry.ts'
import { objectionOf, type Step } from './step.ts'

/** What shadow entries may take together once the answer is known. */
const shadowBudgetMs = 250

export interface Round<Q extends Question> {
  readonly places: readonly AskedPlace<Q>[]
  readonly event: Events[Q]
  /** Whom it is about, as far as that is known: an entry is asked if it applies to all of them. */
  readonly recipients?: readonly Recipient[]
  /** Of `places`, the first that is not asked; absent: all are. Shadow entries behind it are asked where an objection ends the stage. */
  readonly until?: number
}

/** @returns the step of the objection that ended the stage, if one did. */
export function askInOrder<Q extends Question>(
  inquiry: Inquiry,
  round: Round<Q>,
  from = 0,
): MaybePromise<Step | undefined> {
  const { places, event, until = places.length } = round
  for (let index = from; index < until; index++) {
    const place = places[index]
    if (place === undefined || !appliesToAll(inquiry, place, round.recipients)) continue
    const step = inquiry.ask(place, event)
    if (step instanceof Promise) {
      return step.then((answered) =>
        endsStage(answered, inquiry)
          ? askShadows(inquiry, round, index + 1, answered)
          : askInOrder(inquiry, round, index + 1),
      )
    }
    if (endsStage(step, inquiry)) return askShadows(inquiry, round, index + 1, step)
  }
  return undefined
}

function endsStage(step: Step, inquiry: Inquiry): boolean {
  return inquiry.ended || objectionOf(step) !== undefined
}

/** @returns `objection`, when the shadow entries from `from` on have been asked or the budget is spent. */
export function askShadows<Q extends Question>(
  inquiry: Inquiry,
  round: Round<Q>,
  from: number,
  objection: Step,
): MaybePromise<Step> {
  const shadows = round.places
    .slice(from)
    .filter((place) => place.entry.shadow && appliesToAll(inquiry, place, round.recipients))
  return shadows.length === 0 || inquiry.ended
    ? objection
    : askWithinBudget(inquiry, shadows, round.event).then(() => objection)
}

async function askWithinBudget<Q extends Question>(
  inquiry: Inquiry,
  shadows: readonly AskedPlace<Q>[],
  event: Events[Q],
): Promise<void> {
  const endMs = inquiry.clock.monotonicMs() + shadowBudgetMs
  for (const place of shadows) {
    const leftMs = endMs - inquiry.clock.monotonicMs()
    if (leftMs <= 0) return
    // One by one: a later shadow entry sees what an earlier one found.
    // oxlint-disable-next-line no-await-in-loop -- the order is the contract
    await inquiry.ask(place, event, { timeoutMs: Math.min(leftMs, place.entry.timeoutMs) })
  }
}

function appliesToAll(
  inquiry: Inquiry,
  place: Place,
  recipients: readonly Recipient[] | undefined,
): boolean {
  if (place.entry.condition === undefined) return true
  if (recipients === undefined) return applies(inquiry, place) !== false
  return recipients.every((recipient) => applies(inquiry, place, recipient) === true)
}
