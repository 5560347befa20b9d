/**
 * Calls off everything that is under way, once. Those who wait here are found by a look-up: an AbortSignal goes through
 * all of its listeners for each that comes or goes, and a courier may have thousands.
 */
export class CallOff {
  readonly #controller = new AbortController()
  readonly #listeners = new Set<() => void>()

  /** For a few at a time, and for whoever knows only signals. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isCalled(): boolean {
    return this.#controller.signal.aborted
  }

  /** Calls back when it is called off; at once where it was. */
  listen(listener: () => void): void {
    if (this.isCalled) listener()
    else this.#listeners.add(listener)
  }

  leave(listener: () => void): void {
    this.#listeners.delete(listener)
  }

  call(): void {
    this.#controller.abort()
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}
