import { isPosternError, type Clock, type Counters, type Timer } from 'postern/plugin'
import type { Failures } from './failures.ts'

/** Something of which only so many may fail. */
export interface Limit {
  readonly key: string
  readonly most: number
}

/** A login that was begun and counts as failed until it is known how it ended. */
export interface Attempt {
  readonly keys: readonly string[]
  readonly timer: Timer
}

/** A login that has failed: the user, and the key of the client. */
export interface Failure {
  readonly whose: string
  readonly where: string
}

/** More than this are not remembered at a time; the oldest is forgotten first. */
const mostRemembered = 20_000

export interface AttemptsParts {
  readonly clock: Clock
  readonly counters: Counters
  readonly failures: Pick<Failures, 'add' | 'count'>
  readonly windowMs: number
}

/**
 * Failed logins of late, counted exactly, across all workers: those that are over lie in the store, those under way are
 * counted. A login counts from its beginning: of many that begin at once no more get through than may fail.
 */
export class Attempts {
  readonly #parts: AttemptsParts
  readonly #remembered = new Set<Attempt>()

  constructor(parts: AttemptsParts) {
    this.#parts = parts
  }

  /** @returns the attempt, or the limit that has been reached: then nothing is counted */
  async begin(limits: readonly Limit[]): Promise<Attempt | { readonly reached: Limit }> {
    const keys: string[] = []
    for (const limit of limits) {
      // oxlint-disable-next-line no-await-in-loop -- what is beyond a limit is not counted by the next
      if (await this.#take(limit)) {
        keys.push(limit.key)
        continue
      }
      this.#give(keys)
      return { reached: limit }
    }
    const { clock, windowMs } = this.#parts
    const attempt: Attempt = { keys, timer: clock.after(windowMs, () => this.forget(attempt)) }
    this.#remembered.add(attempt)
    const [oldest] = this.#remembered
    if (this.#remembered.size > mostRemembered && oldest !== undefined) this.forget(oldest)
    return attempt
  }

  /** It did not fail, or it was long ago. */
  forget(attempt: Attempt): void {
    if (!this.#remembered.delete(attempt)) return
    attempt.timer.cancel()
    this.#give(attempt.keys)
  }

  /**
   * It failed. Where the store fails as well, it counts on as long as this process lives.
   * @param failure whose it was, as failures name it, and where: that is kept also where it has no limit
   */
  async fail(attempt: Attempt, { whose, where }: Failure): Promise<void> {
    if (!this.#remembered.has(attempt)) return
    try {
      await this.#parts.failures.add(new Set([where, ...attempt.keys]), whose)
    } catch (error) {
      if (isPosternError(error, 'STORE_FAILED')) return
      throw error
    }
    // Only now: between the two nobody may find it in neither place.
    this.forget(attempt)
  }

  /** @returns how many have failed under a key or are under way, up to `most` of those that are over */
  async count(key: string, most: number): Promise<number> {
    return (await this.#failed(key, most)) + (await this.#parts.counters.count(key))
  }

  /** Where nobody has failed the counter alone is exact: whoever has failed since was under way and is counted in it. */
  async #take(limit: Limit): Promise<boolean> {
    const { counters } = this.#parts
    if (!(await counters.take(limit.key, limit.most))) return false
    const failed = await this.#failed(limit.key, limit.most)
    if (failed === 0) return true
    counters.give(limit.key)
    return this.#takeOfRest(limit, failed)
  }

  /** @param failed so many, when it was last looked */
  async #takeOfRest({ key, most }: Limit, failed: number): Promise<boolean> {
    const { counters } = this.#parts
    if (!(await counters.take(key, most - failed))) return false
    const since = await this.#failed(key, most)
    // One that was under way has failed meanwhile: it is in the store, and was not when the limit was drawn.
    if (since === failed || since + (await counters.count(key)) <= most) return true
    counters.give(key)
    return false
  }

  /** Without the store it is known of nobody; those under way are counted all the same. */
  async #failed(key: string, most: number): Promise<number> {
    try {
      return await this.#parts.failures.count(key, most)
    } catch (error) {
      if (isPosternError(error, 'STORE_FAILED')) return 0
      throw error
    }
  }

  #give(keys: readonly string[]): void {
    for (const key of keys) this.#parts.counters.give(key)
  }
}
