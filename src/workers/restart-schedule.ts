/** A worker that lived so long died of something new. */
const longLifeMs = 60_000
const firstDelayMs = 100
const workerBounds: RestartBounds = { longestDelayMs: 30_000, mostShortLives: 10 }

export interface RestartBounds {
  readonly longestDelayMs: number
  /** Short lives in a row, after which the place stays empty. */
  readonly mostShortLives: number
}

/** When a worker that died is replaced: soon at first, then ever later, and at last not at all. */
export class RestartSchedule {
  readonly #bounds: RestartBounds
  #shortLives = 0

  constructor(bounds: RestartBounds = workerBounds) {
    this.#bounds = bounds
  }

  /** In a row, the last one included. */
  get shortLives(): number {
    return this.#shortLives
  }

  /** @param livedMs since it was open; 0 if it never was. @returns what to wait, or undefined: it is given up */
  afterDeath(livedMs: number): number | undefined {
    this.#shortLives = livedMs >= longLifeMs ? 1 : this.#shortLives + 1
    const { longestDelayMs, mostShortLives } = this.#bounds
    if (this.#shortLives >= mostShortLives) return undefined
    return Math.min(longestDelayMs, firstDelayMs * 2 ** (this.#shortLives - 1))
  }
}
