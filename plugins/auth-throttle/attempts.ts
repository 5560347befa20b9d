import type { Clock, Counters, Timer } from 'postern/plugin'

/** Something of which only so many may fail. */
export interface Limit {
  readonly key: string
  readonly most: number
}

/** A login that was begun and counts as failed until it is forgiven or forgotten. */
export interface Attempt {
  readonly keys: readonly string[]
  readonly timer: Timer
}

/** More than this are not remembered at a time; the oldest is forgotten first. */
const mostRemembered = 20_000

/**
 * Failed logins of late, counted exactly, across all workers. A login counts from its beginning: of many that begin at once
 * no more get through than may fail.
 */
export class Attempts {
  readonly #doors: { readonly clock: Clock; readonly counters: Counters }
  readonly #windowMs: number
  readonly #remembered = new Set<Attempt>()

  constructor(
    doors: { readonly clock: Clock; readonly counters: Counters },
    { windowMs }: { readonly windowMs: number },
  ) {
    this.#doors = doors
    this.#windowMs = windowMs
  }

  /** @returns the attempt, or the limit that has been reached: then nothing is counted */
  async begin(limits: readonly Limit[]): Promise<Attempt | { readonly reached: Limit }> {
    const keys: string[] = []
    for (const limit of limits) {
      // oxlint-disable-next-line no-await-in-loop -- what is beyond a limit is not counted by the next
      if (await this.#doors.counters.take(limit.key, limit.most)) {
        keys.push(limit.key)
        continue
      }
      for (const key of keys) this.#doors.counters.give(key)
      return { reached: limit }
    }
    const attempt: Attempt = {
      keys,
      timer: this.#doors.clock.after(this.#windowMs, () => this.forget(attempt)),
    }
    this.#remembered.add(attempt)
    const [oldest] = this.#remembered
    if (this.#remembered.size > mostRemembered && oldest !== undefined) this.forget(oldest)
    return attempt
  }

  /** It did not fail, or it was long ago. */
  forget(attempt: Attempt): void {
    if (!this.#remembered.delete(attempt)) return
    attempt.timer.cancel()
    for (const key of attempt.keys) this.#doors.counters.give(key)
  }
}
