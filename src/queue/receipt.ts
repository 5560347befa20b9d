import type { Instant } from '../mail/instant.ts'

/**
 * The proof that a message is on stable storage. Only the committer makes one, at the return of fdatasync;
 * the private field keeps every look-alike object from passing for it, so that no 250 compiles without a commit.
 */
export class Receipt {
  readonly #committed = true
  /** One queue id for each placement, in their order. */
  readonly ids: readonly [string, ...string[]]
  readonly committedAt: Instant

  constructor(ids: readonly [string, ...string[]], committedAt: Instant) {
    this.ids = ids
    this.committedAt = committedAt
  }

  get committed(): boolean {
    return this.#committed
  }
}
