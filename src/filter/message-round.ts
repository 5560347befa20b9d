/**
 * The stage `message`: entries run at once, up to a limit, each as soon as those are done that it
 * needs. What comes of it depends on the order of the entries alone, never on who was faster: an
 * objection to the whole message calls off only those that come after it, and decisions are merged
 * in entry order.
 */
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import type { Findings } from '../plugin/finding.ts'
import { applies } from './applies.ts'
import type { Events, MessagePlace } from './entry.ts'
import { findingsAt, type Contribution } from './findings.ts'
import type { Inquiry } from './inquiry.ts'
import { objectionOf, type Step } from './step.ts'

type State = 'waiting' | 'running' | 'done'

export class MessageRound {
  /** The recipients that a step speaks of, where these are not all. */
  readonly scopes = new Map<Step, readonly number[]>()
  readonly #inquiry: Inquiry
  readonly #event: Events['message']
  readonly #places: readonly MessagePlace[]
  readonly #last: MessagePlace | undefined
  readonly #states: State[]
  readonly #contributions: (Contribution | undefined)[] = []
  #running = 0
  /** The first entry that objected to the whole: those after it are called off. */
  #cutoff = Infinity
  #finished: (() => void) | undefined

  constructor(inquiry: Inquiry, event: Events['message']) {
    this.#inquiry = inquiry
    this.#event = event
    this.#places = inquiry.generation.places.message
    const last = this.#places.at(-1)
    if (last?.entry.replaces === true) this.#last = last
    // Who has the last word has no turn among the others.
    this.#states = this.#places.map(({ entry }) => (entry.replaces ? 'done' : 'waiting'))
  }

  /** What all have found, for those who are asked afterwards. */
  findings(shadow: boolean): Findings {
    const { findings } = this.#inquiry
    const sees = this.#places.map((_, index) => index)
    const before = shadow ? findings.shadow : findings.enforced
    return findingsAt(before, this.#contributions, { sees, shadow })
  }

  /** Resolves when every entry that counts is done. */
  run(): MaybePromise<void> {
    this.#startWhatCan()
    if (this.#running === 0) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#finished = resolve
    return promise
  }

  /** Whether an entry has the last word. */
  get hasLast(): boolean {
    return this.#last !== undefined
  }

  /**
   * When all others are done: asks the entry that has the last word.
   * @param passing the recipients to whom the message would go, as indexes
   */
  askLast(passing: readonly number[]): MaybePromise<Step | undefined> {
    const place = this.#last
    if (place === undefined) return undefined
    const judged = this.#scopeOf(place)
    const scope = judged === undefined ? passing : passing.filter((index) => judged.includes(index))
    if (scope.length === 0) return undefined
    const { length: recipients } = this.#event.transaction.recipients
    const partly = scope.length < recipients
    const event = partly ? { ...this.#event, passing: scope } : this.#event
    const asking = { findings: this.findings(false), recipients }
    return after(this.#inquiry.ask(place, event, asking), (step) => {
      if (partly) this.scopes.set(step, scope)
      return step
    })
  }

  #startWhatCan(): void {
    const refused = (): boolean => this.#cutoff < Infinity
    for (const [index, place] of this.#places.entries()) {
      if (index > this.#cutoff || this.#running >= this.#inquiry.generation.parallel) return
      if (this.#states[index] !== 'waiting' || (place.entry.shadow && refused())) continue
      if (place.after.every((earlier) => this.#states[earlier] === 'done'))
        this.#start(place, index)
    }
  }

  #start(place: MessagePlace, index: number): void {
    const scope = this.#scopeOf(place)
    if (scope?.length === 0) {
      this.#states[index] = 'done'
      return
    }
    this.#states[index] = 'running'
    const { findings } = this.#inquiry
    const { shadow } = place.entry
    const before = shadow ? findings.shadow : findings.enforced
    const step = this.#inquiry.ask(place, this.#event, {
      findings: findingsAt(before, this.#contributions, { sees: place.sees, shadow }),
      recipients: this.#event.transaction.recipients.length,
    })
    if (!(step instanceof Promise)) {
      this.#done(step, index, scope)
      return
    }
    this.#running += 1
    void step.then((answered) => {
      this.#running -= 1
      this.#done(answered, index, scope)
      this.#startWhatCan()
      if (this.#running === 0) this.#finished?.()
    })
  }

  #done(step: Step, index: number, scope: readonly number[] | undefined): void {
    this.#states[index] = 'done'
    if (scope !== undefined) this.scopes.set(step, scope)
    const { findings } = step.verdict
    if (findings !== undefined) {
      this.#contributions[index] = { findings, shadow: step.place.entry.shadow }
    }
    if (index > this.#cutoff || scope !== undefined || objectionOf(step) === undefined) return
    this.#cutoff = index
    const { number } = step.place
    // What a shadow entry would have said of refused mail is not worth the client's time.
    this.#inquiry.callOff((place) => place.number > number || place.entry.shadow)
  }

  /** The recipients that the entry applies to; undefined for all of them. */
  #scopeOf(place: MessagePlace): readonly number[] | undefined {
    const { entry, sees } = place
    if (entry.condition === undefined) return undefined
    const { recipients } = this.#event.transaction
    const { enforced } = this.#inquiry.findings
    const findings = findingsAt(enforced, this.#contributions, { sees, shadow: false })
    const judging = { decided: true, ...(sees.length === 0 ? {} : { findings }) }
    const scope = recipients.flatMap((recipient, index) =>
      applies(this.#inquiry, place, recipient, judging) === true ? [index] : [],
    )
    return scope.length === recipients.length ? undefined : scope
  }
}
