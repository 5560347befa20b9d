/**
 * A floor under the pace of a client that sends a message, averaged over a window: one byte a minute would never meet a
 * deadline that moves with every byte. What we keep the client waiting for does not count.
 */
import type { Clock } from '../runtime/clock.ts'
import { Deadline } from './deadline.ts'

export interface Pace {
  /** 0: no floor. */
  readonly minBytesPerSecond: number
  readonly windowMs: number
}

export class DataPace {
  readonly #window: Deadline
  readonly #tooSlow: () => void
  #pace: Pace | undefined
  #bytes = 0

  constructor(clock: Clock, tooSlow: () => void) {
    this.#window = new Deadline(clock, this.#judge)
    this.#tooSlow = tooSlow
  }

  /** From now on bytes are expected; a window that is open goes on. */
  watch(pace: Pace): void {
    if (this.#pace !== undefined || pace.minBytesPerSecond === 0) return
    this.#pace = pace
    this.#open(pace)
  }

  received(bytes: number): void {
    this.#bytes += bytes
  }

  /** None are expected. */
  rest(): void {
    if (this.#pace === undefined) return
    this.#pace = undefined
    this.#window.suspend()
  }

  /** For good. */
  cancel(): void {
    this.#window.cancel()
  }

  #open({ windowMs }: Pace): void {
    this.#bytes = 0
    this.#window.move(windowMs)
  }

  readonly #judge = (): void => {
    const pace = this.#pace
    if (pace === undefined) return
    if (this.#bytes * 1000 < pace.minBytesPerSecond * pace.windowMs) this.#tooSlow()
    else this.#open(pace)
  }
}
