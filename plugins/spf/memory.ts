/**
 * What SPF said a moment ago: mail comes in bunches, and an evaluation costs more than all other checks of an envelope
 * together. The same question within a minute gets the same answer, but where the DNS failed.
 */
import type { Clock, MaybePromise } from 'postern/plugin'
import { evaluateSpf, type SpfAnswer } from './evaluate.ts'

type Evaluation = Parameters<typeof evaluateSpf>

const rememberedMs = 60_000
const mostRemembered = 1_000

export class SpfMemory {
  readonly #clock: Clock
  /** The oldest first. */
  readonly #answers = new Map<string, { readonly answer: SpfAnswer; readonly untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  evaluate(...[question, locally, doors]: Evaluation): MaybePromise<SpfAnswer> {
    const { address, sender, hello, hostname } = question
    const key = `${address} ${sender}\n${hello}\n${hostname}\n${locally.rules}\n${locally.guess}`
    const nowMs = this.#clock.monotonicMs()
    const known = this.#answers.get(key)
    if (known !== undefined && known.untilMs > nowMs) return known.answer
    return evaluateSpf(question, locally, doors).then((answer) => {
      this.#keep(key, answer, nowMs)
      return answer
    })
  }

  #keep(key: string, answer: SpfAnswer, nowMs: number): void {
    this.#answers.delete(key)
    if (answer.result !== 'temperror') {
      this.#answers.set(key, { answer, untilMs: nowMs + rememberedMs })
    }
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > mostRemembered && oldest !== undefined) this.#answers.delete(oldest)
  }
}
