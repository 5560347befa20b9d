/**
 * The index as the keeper asks it, which goes on where the store does not answer: what is too old must go all the same
 * (a full disk would stay full), and who is to be told is told. What the index then lacks is found later.
 */
import { isPosternError } from '../mail/errors.ts'
import type { HeldIndex } from './held-index.ts'

export class LenientIndex {
  readonly #index: HeldIndex

  constructor(index: HeldIndex) {
    this.#index = index
  }

  /** Whether somebody has been told of it already. Without an answer he is told, perhaps once more. */
  async isTaken(id: string): Promise<boolean> {
    return this.#answer(() => this.#index.has(id), false)
  }

  /** Whether a sweep has nothing to do with it: it has a row, or is told of in its turn. */
  async isKnown(id: string): Promise<boolean> {
    return this.#index.isComing(id) || this.#answer(() => this.#index.has(id), true)
  }

  async isFull(): Promise<boolean> {
    return this.#answer(() => this.#index.isFull(), true)
  }

  /** A row of what is gone is seen by nobody. */
  async forget(ids: readonly string[]): Promise<void> {
    await this.#answer(() => this.#index.remove(ids), undefined)
  }

  async #answer<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      if (!isPosternError(error, 'STORE_FAILED')) throw error
      this.#index.lost()
      return otherwise
    }
  }
}
