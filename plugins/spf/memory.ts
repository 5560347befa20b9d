/**
 * What SPF said a moment ago: mail comes in bunches, and an evaluation costs more than all other checks of an envelope
 * together. The same question within a minute gets the same answer, but where the DNS failed. The door to the DNS is told
 * what the answer rested on, so that the trace of the second mail says as much as that of the first.
 */
import type { Clock, HeardAnswer, MaybePromise } from 'postern/plugin'
import { evaluateSpf, type SpfAnswer } from './evaluate.ts'
import { heardDns } from './heard-dns.ts'

type Evaluation = Parameters<typeof evaluateSpf>

const rememberedMs = 60_000
const mostRemembered = 1_000

interface Remembered {
  readonly answer: SpfAnswer
  /** What the DNS said. */
  readonly heard: readonly HeardAnswer[]
  readonly untilMs: number
}

export class SpfMemory {
  readonly #clock: Clock
  /** The oldest first. */
  readonly #answers = new Map<string, Remembered>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  evaluate(...[question, locally, doors]: Evaluation): MaybePromise<SpfAnswer> {
    const { address, sender, hello, hostname } = question
    const { rules, guess, explanation, blockPlusAll = false } = locally
    const asked = [`${blockPlusAll} ${address} ${sender}`, hello, hostname]
    const key = [...asked, rules, guess, explanation].join('\n')
    const nowMs = this.#clock.monotonicMs()
    const known = this.#answers.get(key)
    if (known !== undefined && known.untilMs > nowMs) {
      doors.dns.remembered?.(known.heard)
      return known.answer
    }
    const { dns, heard } = heardDns(doors.dns)
    return evaluateSpf(question, locally, { ...doors, dns }).then((answer) => {
      this.#keep(key, { answer, heard, untilMs: nowMs + rememberedMs })
      return answer
    })
  }

  #keep(key: string, remembered: Remembered): void {
    this.#answers.delete(key)
    if (remembered.answer.result !== 'temperror') this.#answers.set(key, remembered)
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > mostRemembered && oldest !== undefined) this.#answers.delete(oldest)
  }
}
