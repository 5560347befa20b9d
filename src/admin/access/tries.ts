/** How often somebody guessed wrong lately. Bounded: beyond so many, those that were quiet longest are forgotten. */
import type { Clock } from '../../runtime/clock.ts'

export interface TriesLimits {
  /** Wrong guesses within the time, after which no more are taken. */
  readonly most: number
  readonly withinMs: number
}

const mostKeys = 10_000

interface Tries {
  count: number
  since: number
}

export class WrongTries {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #limits: TriesLimits
  readonly #tries = new Map<string, Tries>()

  constructor(clock: Pick<Clock, 'monotonicMs'>, limits: TriesLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** @returns milliseconds until the next guess is taken; 0: now */
  waitMs(key: string): number {
    const tries = this.#current(key)
    if (tries === undefined || tries.count < this.#limits.most) return 0
    return tries.since + this.#limits.withinMs - this.#clock.monotonicMs()
  }

  wrong(key: string): void {
    const tries = this.#current(key) ?? { count: 0, since: this.#clock.monotonicMs() }
    tries.count += 1
    this.#tries.delete(key)
    this.#tries.set(key, tries)
    const [oldest] = this.#tries.keys()
    if (this.#tries.size > mostKeys && oldest !== undefined) this.#tries.delete(oldest)
  }

  right(key: string): void {
    this.#tries.delete(key)
  }

  #current(key: string): Tries | undefined {
    const tries = this.#tries.get(key)
    if (tries === undefined || this.#clock.monotonicMs() < tries.since + this.#limits.withinMs) {
      return tries
    }
    this.#tries.delete(key)
    return undefined
  }
}
