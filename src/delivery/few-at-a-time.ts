/**
 * The groups of one message, on their way into the lanes: a message to very many would send others away from there, and be
 * sent away itself, only to be routed again. Where those in front do not move, more follow all the same.
 */
import type { Clock } from '../runtime/clock.ts'

const atATime = 20
/** So long those in front may stand still. */
const patienceMs = 1_000

export class FewAtATime {
  readonly #clock: Clock
  readonly #waiting: (() => void)[] = []
  #room = atATime
  #watched = false
  /** Whether one of those in front has left since somebody looked. */
  #moved = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns nothing where one may go at once */
  enter(): Promise<void> | undefined {
    if (this.#room > 0) {
      this.#room--
      return undefined
    }
    this.#watch()
    return new Promise((resolve) => void this.#waiting.push(resolve))
  }

  leave(): void {
    this.#moved = true
    const next = this.#waiting.shift()
    if (next === undefined) this.#room++
    else next()
  }

  #watch(): void {
    if (this.#watched) return
    this.#watched = true
    this.#moved = false
    this.#clock.after(patienceMs, () => {
      this.#watched = false
      if (!this.#moved) for (const next of this.#waiting.splice(0, atATime)) next()
      if (this.#waiting.length > 0) this.#watch()
    })
  }
}
