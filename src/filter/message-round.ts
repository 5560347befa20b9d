/**
 * The stage `message`: entries run at once, up to a limit, each as soon as those are done that it
 * needs. What comes of it depends on the order of the entries alone, never on who was faster: an
 * objection to the whole message calls off only those that come after it, and decisions are merged
 * in entry order.
 */
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Findings } from '../plugin/finding.ts'
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
    this.#states = this.#places.map(() => 'waiting')
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
  #scopeOf({ entry, question, sees }: MessagePlace): readonly number[] | undefined {
    if (entry.condition === undefined) return undefined
    const { recipients } = this.#event.transaction
    const { enforced } = this.#inquiry.findings
    const findings = findingsAt(enforced, this.#contributions, { sees, shadow: false })
    const judging = { decided: true, ...(sees.length === 0 ? {} : { findings }) }
    const scope = recipients.flatMap((recipient, index) =>
      this.#inquiry.judge(entry, question, recipient, judging) === true ? [index] : [],
    )
    return scope.length === recipients.length ? undefined : scope
  }
}
