import type { Clock, Timer } from '../runtime/clock.ts'

/**
 * A deadline that moves with every command over a timer that mostly does not: one that fires too early is set again
 * for the rest, so that moving a deadline away costs an assignment.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #passed: () => void
  #at = Number.POSITIVE_INFINITY
  #timer: Timer | undefined
  #firesAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock, passed: () => void) {
    this.#clock = clock
    this.#passed = passed
  }

  /** The deadline is `afterMs` from now. */
  move(afterMs: number): void {
    this.#at = this.#clock.monotonicMs() + afterMs
    if (this.#at < this.#firesAt) this.#arm(afterMs)
  }

  /** There is no deadline until it is moved again. */
  suspend(): void {
    this.#at = Number.POSITIVE_INFINITY
  }

  /** For good. */
  cancel(): void {
    this.suspend()
    this.#timer?.cancel()
  }

  #arm(afterMs: number): void {
    this.#timer?.cancel()
    this.#firesAt = this.#at
    this.#timer = this.#clock.after(afterMs, this.#fired)
  }

  readonly #fired = (): void => {
    this.#timer = undefined
    this.#firesAt = Number.POSITIVE_INFINITY
    const leftMs = this.#at - this.#clock.monotonicMs()
    if (leftMs <= 0) this.#passed()
    else if (leftMs < Number.POSITIVE_INFINITY) this.#arm(leftMs)
  }
}
