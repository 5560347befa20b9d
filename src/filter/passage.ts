/**
 * The way of a session through connect, hello and mail, where a refusal may be remembered and spoken
 * at RCPT (`refuse_at: rcpt`), so that a login can still save the session and the log knows whom the
 * mail was for.
 *
 * The entries of the three stages form one line. Once a refusal is remembered the session stands still
 * there: every later entry is postponed, not skipped. If the refusal is lifted (a login, an exempt
 * recipient) the session goes on from where it stood, through the stages already passed, and only then
 * to what comes now. An entry is asked once for each greeting or transaction; what it said is judged
 * anew for each recipient.
 */
import type { Recipient } from '../mail/envelope.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import type { Session } from '../mail/session.ts'
import type { Silence } from '../mail/silence.ts'
import { applies } from './applies.ts'
import type { Events } from './entry.ts'
import { askShadows } from './in-order.ts'
import type { Inquiry } from './inquiry.ts'
import type { PassagePlace } from './places.ts'
import { objectionOf, type Objection, type Step } from './step.ts'

export type PassageStage = 'connect' | 'hello' | 'mail' | 'rcpt'

/** Where the session stands, and for whom it wants to go on. */
export interface Onward {
  readonly stage: PassageStage
  readonly session: Session
  readonly recipient?: Recipient
}

/** Nothing is kept back any more. */
const greeted: Silence = { broken: false, lasts: () => Promise.resolve(true) }

interface Refusal {
  /** In the line. */
  readonly index: number
  readonly step: Step
  readonly objection: Objection
  readonly at: 'now' | 'rcpt'
  /** The round for which its lifting was noted last. */
  notedRound: number
}

export class Passage {
  readonly #inquiry: Inquiry
  readonly #line: readonly PassagePlace[]
  readonly #connectEnd: number
  readonly #helloEnd: number
  /** The next entry in line. */
  #position = 0
  /** In the order of the line; each but the last was lifted before the next could come up. */
  #refusals: Refusal[] = []
  /** Shadow entries beyond `#position` that have been asked already. */
  #ahead: ReadonlySet<number> = new Set()
  #mail: Events['mail'] | undefined
  #silence: Silence = greeted

  constructor(inquiry: Inquiry) {
    const { connect, hello, passage } = inquiry.generation.places
    this.#inquiry = inquiry
    this.#line = passage
    this.#connectEnd = connect.length
    this.#helloEnd = connect.length + hello.length
  }

  beginConnect(silence: Silence): void {
    this.#silence = silence
  }

  /** A greeting makes void what the one before it brought. */
  beginHello(): void {
    this.#backTo(this.#connectEnd)
  }

  beginMail(event: Events['mail']): void {
    this.#mail = event
    this.#backTo(this.#helloEnd)
  }

  /**
   * Goes on as far as the stage allows; at RCPT also past a refusal of which nobody can say yet whether it is lifted:
   * what is learned on the way decides when it is walked once more.
   * @returns the objection to be spoken now, if there is one.
   */
  walk(onward: Onward): MaybePromise<Objection | undefined> {
    for (const refusal of this.#refusals) {
      const fate = this.#fateOf(refusal, onward)
      if (fate === 'waits') return undefined
      if (fate === 'stands') return this.#speak(refusal)
      if (fate === 'lifted') this.#noteLifted(refusal)
    }
    const end = this.#endOf(onward.stage)
    while (this.#position < end) {
      const index = this.#position++
      const place = this.#line[index]
      if (place === undefined || this.#ahead.has(index)) continue
      // A protocol without a greeting: there is nothing to ask about.
      if (place.question === 'hello' && onward.session.hello === undefined) continue
      if (applies(this.#inquiry, place) === false) continue
      const step = this.#ask(place, onward.session)
      if (step instanceof Promise) return step.then((late) => this.#took(late, index, onward))
      if (objectionOf(step) !== undefined) return this.#took(step, index, onward)
    }
    return undefined
  }

  #ask(place: PassagePlace, session: Session): MaybePromise<Step> {
    switch (place.question) {
      case 'connect':
        return this.#inquiry.ask(place, { session, silence: this.#silence })
      case 'hello':
        return this.#inquiry.ask(place, { session })
      case 'mail':
        return this.#inquiry.ask(place, this.#mailEvent(session))
    }
  }

  #mailEvent(session: Session): Events['mail'] {
    return this.#mail ?? { session, reversePath: null, parameters: {} }
  }

  /** After an answer: stops at an objection, unless it is lifted already; else goes on. */
  #took(step: Step, index: number, onward: Onward): MaybePromise<Objection | undefined> {
    const objection = objectionOf(step)
    if (objection === undefined) return this.walk(onward)
    const { entry } = step.place
    const at = entry.refuseAt ?? objection.at ?? entry.refuseAtDefault
    const refusal: Refusal = { index, step, objection, at, notedRound: -1 }
    this.#refusals.push(refusal)
    const fate = this.#fateOf(refusal, onward)
    if (fate === 'lifted' || fate === 'open') return this.walk(onward)
    step.remembered = fate === 'waits'
    const spoken = fate === 'stands' ? this.#speak(refusal) : undefined
    return after(this.#askShadows(refusal, onward.session), () => spoken)
  }

  /** Whether a refusal is to be spoken now, later, or not at all. */
  #fateOf(
    { step: { place }, at }: Refusal,
    { stage, recipient }: Onward,
  ): 'stands' | 'waits' | 'lifted' | 'open' {
    const decided = at === 'now' || stage === 'mail' || stage === 'rcpt'
    const holds = applies(this.#inquiry, place, recipient, { decided })
    if (holds === false) return 'lifted'
    if (stage === 'rcpt') return holds === undefined ? 'open' : 'stands'
    return at === 'now' && holds === true ? 'stands' : 'waits'
  }

  #speak({ step, objection }: Refusal): Objection {
    this.#inquiry.note('spoken', step)
    return objection
  }

  /** Once for each recipient: it says why the rest was asked after all. */
  #noteLifted(refusal: Refusal): void {
    const { round } = this.#inquiry
    if (refusal.notedRound === round) return
    refusal.notedRound = round
    this.#inquiry.note('lifted', refusal.step)
  }

  /** The shadow entries of the same stage are asked at once: what they would have said belongs to this moment. */
  #askShadows({ index, step }: Refusal, session: Session): MaybePromise<Step> {
    const { question } = step.place
    const beyond = this.#line.flatMap((place, at) =>
      at > index && place.question === question && place.entry.shadow ? [at] : [],
    )
    if (beyond.length === 0) return step
    const { places } = this.#inquiry.generation
    const asked = this.#ahead
    this.#ahead = new Set([...asked, ...beyond])
    if (question === 'mail') {
      const round = { places: places.mail, event: this.#mailEvent(session) }
      return askShadows(this.#inquiry, round, index - this.#helloEnd + 1, step)
    }
    const { connect } = places
    const event = { session, silence: this.#silence }
    return question === 'connect'
      ? askShadows(this.#inquiry, { places: connect, event }, index + 1, step)
      : askShadows(
          this.#inquiry,
          { places: places.hello, event: { session } },
          index - this.#connectEnd + 1,
          step,
        )
  }

  #endOf(stage: PassageStage): number {
    if (stage === 'connect') return this.#connectEnd
    return stage === 'hello' ? this.#helloEnd : this.#line.length
  }

  #backTo(index: number): void {
    if (this.#position > index) this.#position = index
    if (this.#refusals.length > 0) {
      this.#refusals = this.#refusals.filter((refusal) => refusal.index < index)
    }
    if (this.#ahead.size > 0) this.#ahead = new Set([...this.#ahead].filter((at) => at < index))
  }
}
