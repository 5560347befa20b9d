/** So many deliveries at a time, the others in their order. Whoever takes a slot gives it back. */
export class Slots {
  readonly #limit: () => number
  readonly #waiting: ((taken: boolean) => void)[] = []
  #taken = 0
  #closed = false

  /** @param limit asked each time, so that it may change */
  constructor(limit: () => number) {
    this.#limit = limit
  }

  get taken(): number {
    return this.#taken
  }

  /** @returns false when it was closed before there was a slot: then nothing was taken */
  take(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#waiting.push(resolve)
    this.#hand()
    return promise
  }

  give(): void {
    this.#taken--
    this.#hand()
  }

  /** Nobody gets a slot any more. */
  close(): void {
    this.#closed = true
    for (const resolve of this.#waiting.splice(0)) resolve(false)
  }

  #hand(): void {
    while (this.#taken < this.#limit()) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#taken++
      next(true)
    }
  }
}
