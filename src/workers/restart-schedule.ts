/** A worker that lived so long died of something new. */
const longLifeMs = 60_000
const firstDelayMs = 100
const longestDelayMs = 30_000
/** Short lives in a row, after which the place stays empty. */
const mostShortLives = 10

/** When a worker that died is replaced: soon at first, then ever later, and at last not at all. */
export class RestartSchedule {
  #shortLives = 0

  /** @param livedMs since it was open; 0 if it never was. @returns what to wait, or undefined: it is given up */
  afterDeath(livedMs: number): number | undefined {
    this.#shortLives = livedMs >= longLifeMs ? 1 : this.#shortLives + 1
    if (this.#shortLives >= mostShortLives) return undefined
    return Math.min(longestDelayMs, firstDelayMs * 2 ** (this.#shortLives - 1))
  }
}
