import type { Clock } from '../../runtime/clock.ts'

/** What costs much is asked for once for all who want it, and the rarer the more it costs. */
export class Cached<T> {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #make: () => Promise<T>
  readonly #leastMs: number
  #made: { readonly value: T; readonly until: number } | undefined
  #making: Promise<T> | undefined

  /** @param leastMs how long a value is good at least; longer by twenty times what it took */
  constructor(clock: Pick<Clock, 'monotonicMs'>, leastMs: number, make: () => Promise<T>) {
    this.#clock = clock
    this.#leastMs = leastMs
    this.#make = make
  }

  get(): Promise<T> {
    if (this.#made !== undefined && this.#clock.monotonicMs() < this.#made.until) {
      return Promise.resolve(this.#made.value)
    }
    this.#making ??= this.#now().finally(() => (this.#making = undefined))
    return this.#making
  }

  /** Somebody has changed what it is about. */
  forget(): void {
    this.#made = undefined
  }

  async #now(): Promise<T> {
    const from = this.#clock.monotonicMs()
    const value = await this.#make()
    const now = this.#clock.monotonicMs()
    this.#made = { value, until: now + Math.max(this.#leastMs, 20 * (now - from)) }
    return value
  }
}
