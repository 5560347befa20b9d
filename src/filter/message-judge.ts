/**
 * What becomes of one message: everybody is asked, then who has the last word, then who signs; what they all said is
 * decided once, and says which bytes each recipient gets.
 */
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import type { Replacement } from '../mail/replacement.ts'
import { passRuling } from '../mail/ruling.ts'
import type { MessageEvent, MessageRuling, WholeRuling } from '../smtp/policy.ts'
import type { WholeDecision } from './decision.ts'
import { MessageRound } from './message-round.ts'
import { objectionRuling } from './objection-ruling.ts'
import { placementsFor, versionsOf, type Replaced } from './placements.ts'
import { sessionGone } from './refusals.ts'
import { askSigners } from './signing.ts'
import { weigh, type WeighingParts } from './weigh.ts'

export class MessageJudge {
  readonly #parts: WeighingParts
  /** Whether the last message that was ruled on goes to everybody as it came. */
  #welcome = false
  /** What is committed in place of the last message: readable until the transaction is over. */
  #replacement: Replacement | undefined

  constructor(parts: WeighingParts) {
    this.#parts = parts
  }

  get welcome(): boolean {
    return this.#welcome
  }

  judge(event: MessageEvent): MaybePromise<MessageRuling> {
    const { transaction, message } = event
    const round = new MessageRound(this.#parts.inquiry, { transaction, message })
    return after(round.run(), () =>
      after(this.#askLast(event, round), (replaced) =>
        after(this.#sign(event, round, replaced), () => this.#decide(event, round, replaced)),
      ),
    )
  }

  transactionEnded(): void {
    this.#replacement?.release()
    this.#replacement = undefined
  }

  /** Who has the last word is asked about those recipients for whom nobody has another plan. */
  #askLast(event: MessageEvent, round: MessageRound): MaybePromise<Replaced | undefined> {
    const { inquiry } = this.#parts
    if (!round.hasLast || inquiry.ended) return undefined
    const { decided } = weigh(this.#parts, { event, round })
    const whole = decided.decision === 'each' ? decided.whole : decided
    const outcomes = whole.decision === 'commit' ? whole.outcomes : []
    const passing = outcomes.flatMap((outcome, index) =>
      outcome?.disposition === 'deliver' ? [index] : [],
    )
    return after(round.askLast(passing), (step) => {
      const replacement = step?.verdict.replacement
      // The end of a transaction that is over by now has been told: nobody else will say that it is not needed.
      if (inquiry.ended) replacement?.release()
      else this.#replacement = replacement
      if (step === undefined || replacement === undefined) return undefined
      const recipients = round.scopes.get(step)
      return { message: replacement.message, ...(recipients === undefined ? {} : { recipients }) }
    })
  }

  /** Shows what would be committed now to those who sign; what they add, or fail to, is decided upon with the rest. */
  #sign(
    event: MessageEvent,
    round: MessageRound,
    replaced: Replaced | undefined,
  ): MaybePromise<void> {
    const { inquiry } = this.#parts
    if (inquiry.generation.places.sign.length === 0 || inquiry.ended) return undefined
    const { decided, requestFor } = weigh(this.#parts, { event, round, replaced })
    const whole = decided.decision === 'each' ? decided.whole : decided
    if (whole.decision === 'refuse') return undefined
    const request = requestFor(whole)
    return askSigners(inquiry, { ...request, event, versions: versionsOf(request), round })
  }

  #decide(event: MessageEvent, round: MessageRound, replaced: Replaced | undefined): MessageRuling {
    const { inquiry, recorder } = this.#parts
    if (inquiry.ended) return objectionRuling(sessionGone)
    const { decided, requestFor } = weigh(this.#parts, { event, round, replaced })
    const ruled = (whole: WholeDecision): WholeRuling => {
      if (whole.decision === 'refuse') {
        recorder.objected(whole.objection)
        return objectionRuling(whole.objection)
      }
      const placements = placementsFor(requestFor(whole))
      recorder.placed(placements)
      this.#welcome =
        decided.decision !== 'each' &&
        placements.every(({ disposition }) => disposition === 'deliver')
      const replacement = this.#replacement
      // Those whom it was for may have been taken out of the envelope.
      const needed = placements.some(({ asReceived }) => asReceived !== true)
      return replacement === undefined || !needed
        ? { ruling: 'commit', placements }
        : { ruling: 'commit', placements, replacement }
    }
    if (decided.decision !== 'each') return ruled(decided)
    const rulings = decided.objections.map((objection) =>
      objection === undefined ? passRuling : objectionRuling(objection),
    )
    return { ruling: 'each', recipients: rulings, whole: ruled(decided.whole) }
  }
}
