/** Failed logins of late, in the store: they outlive the process that saw them. */
import type { Clock, Random, Store, StoreTable } from 'postern/plugin'

/** More than this are not remembered; the oldest go first. A failure has one for each limit: address, network, user. */
const mostRemembered = 60_000

export class Failures {
  readonly #clock: Clock
  readonly #random: Random
  readonly #table: StoreTable
  readonly #windowMs: number

  constructor(
    {
      clock,
      random,
      store,
    }: { readonly clock: Clock; readonly random: Random; readonly store: Store },
    windowMs: number,
  ) {
    this.#clock = clock
    this.#random = random
    this.#table = store.table('failures', { maxEntries: mostRemembered })
    this.#windowMs = windowMs
  }

  /** Each has a row of its own, so that no two workers ever write the same one. @throws PosternError STORE_FAILED */
  async add(keys: readonly string[]): Promise<void> {
    const endsAt = this.#clock.now() + this.#windowMs
    const own = this.#random.integer(2 ** 32)
    await Promise.all(keys.map((key) => this.#table.put(`${key} ${endsAt}.${own}`, true, endsAt)))
  }

  /** @returns how many there were under this key, counted up to `most`. @throws PosternError STORE_FAILED */
  async count(key: string, most: number): Promise<number> {
    // A blank follows the key, and `!` is next to it: no other key's rows lie between.
    const range = { from: `${key} `, to: `${key}!`, limit: most, order: 'ascending' } as const
    return (await this.#table.scan(range)).length
  }
}
