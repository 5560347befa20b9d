/**
 * Counters in a worker of several: every question goes to the supervisor, those of one turn of the event loop in one
 * message. A supervisor that does not answer in time is taken to have said no: nothing comes in uncounted.
 */
import { PosternError } from '../mail/errors.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Counters, Spending } from '../runtime/counters.ts'
import type { HopLimits, HopTurns } from '../runtime/hop-turns.ts'
import type { CountAnswer, CountQuestion } from './counts.ts'
import type { PlacesChannel } from './own-places.ts'

const answerMs = 5_000
const unanswered = Symbol('unanswered')

interface Waiting {
  readonly resolve: (answer: boolean | number | typeof unanswered) => void
  readonly timer: Timer
}

export class AskedCounters implements Counters, PlacesChannel {
  readonly #clock: Clock
  readonly #ask: (questions: readonly CountQuestion[]) => void
  readonly #waiting = new Map<number, Waiting>()
  /** Keys that were asked for, and whose answer came too late to be waited for. */
  readonly #late = new Map<number, string>()
  /** Turns at next hops, which may be long in coming. */
  readonly #turns = new Map<number, () => void>()
  #questions: CountQuestion[] = []
  #tickets = 0

  constructor(clock: Clock, ask: (questions: readonly CountQuestion[]) => void) {
    this.#clock = clock
    this.#ask = ask
  }

  take(key: string, limit: number): Promise<boolean> {
    return this.#taken(['take', ++this.#tickets, key, limit])
  }

  give(key: string): void {
    this.#send(['give', key])
  }

  /** As `take`, of what workers also take by themselves. */
  claim(key: string, limit: number): Promise<boolean> {
    return this.#taken(['claim', ++this.#tickets, key, limit])
  }

  declare(key: string, count: number): void {
    this.#send(['declared', key, count])
  }

  count(key: string): Promise<number> {
    return this.#answerTo(['count', ++this.#tickets, key]).then((answer) =>
      answer === unanswered ? 0 : Number(answer),
    )
  }

  async spend(rates: readonly Spending[]): Promise<number | undefined> {
    const asked = await this.#answerTo(['spend', ++this.#tickets, rates])
    if (asked === unanswered) throw new PosternError('TIMEOUT', 'the supervisor does not count')
    const exhausted = Number(asked)
    return exhausted < 0 ? undefined : exhausted
  }

  /** At next hops: of these nobody has to have an answer soon. */
  readonly turns: HopTurns = {
    take: (key, limits) => this.#turn(key, limits),
    give: (key) => this.#send(['turned', key]),
  }

  /** What the supervisor says. */
  answered(answers: readonly CountAnswer[]): void {
    for (const [ticket, answer] of answers) {
      this.#turns.get(ticket)?.()
      this.#turns.delete(ticket)
      const waiting = this.#waiting.get(ticket)
      const lateKey = this.#late.get(ticket)
      this.#waiting.delete(ticket)
      this.#late.delete(ticket)
      waiting?.timer.cancel()
      waiting?.resolve(answer)
      if (lateKey !== undefined && answer === true) this.give(lateKey)
    }
  }

  async #taken(question: Extract<CountQuestion, { 0: 'take' | 'claim' }>): Promise<boolean> {
    const [, ticket, key] = question
    const answer = await this.#answerTo(question, () => this.#late.set(ticket, key))
    return answer === true
  }

  #turn(key: string, limits: HopLimits): Promise<void> {
    const ticket = ++this.#tickets
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turns.set(ticket, resolve)
    this.#send(['turn', ticket, key, limits])
    return promise
  }

  #answerTo(
    question: Extract<CountQuestion, { 0: 'take' | 'claim' | 'count' | 'spend' }>,
    late: () => void = () => undefined,
  ): Promise<boolean | number | typeof unanswered> {
    const { promise, resolve } = Promise.withResolvers<boolean | number | typeof unanswered>()
    const ticket = question[1]
    const timer = this.#clock.after(answerMs, () => {
      this.#waiting.delete(ticket)
      late()
      resolve(unanswered)
    })
    this.#waiting.set(ticket, { resolve, timer })
    this.#send(question)
    return promise
  }

  #send(question: CountQuestion): void {
    this.#questions.push(question)
    if (this.#questions.length > 1) return
    setImmediate(() => {
      const questions = this.#questions
      this.#questions = []
      this.#ask(questions)
    })
  }
}
