/** Failed logins of late, in the store: they outlive the process that saw them. */
import type { Clock, Random, Store, StoreEntry, StoreTable } from 'postern/plugin'

/** More than this are not remembered; the oldest go first. A failure has one for each limit: address, network, user. */
const mostRemembered = 60_000
/** More than this are not forgiven at a time. */
const mostForgiven = 100

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

  /**
   * Each has a row of its own, so that no two workers ever write the same one.
   * @param whose the login that failed, as `forgive` names it. @throws PosternError STORE_FAILED
   */
  async add(keys: ReadonlySet<string>, whose: string): Promise<void> {
    const endsAt = this.#clock.now() + this.#windowMs
    const own = this.#random.integer(2 ** 32)
    const rows = [...keys].map((key) => `${key} ${endsAt}.${own}`)
    await Promise.all(rows.map((row) => this.#table.put(row, whose, endsAt)))
  }

  /**
   * Forgets, under all of these keys, the failures that are of this login under the first of them.
   * @throws PosternError STORE_FAILED
   */
  async forgive(keys: readonly [string, ...string[]], whose: string): Promise<void> {
    const [first] = keys
    const rows = await this.#rows(first, mostForgiven)
    const theirs = rows.filter(({ value }) => value === whose)
    const names = theirs.flatMap((row) => {
      const own = row.key.slice(first.length)
      return keys.map((key) => `${key}${own}`)
    })
    await Promise.all(names.map((name) => this.#table.delete(name)))
  }

  /** @returns how many there were under this key, counted up to `most`. @throws PosternError STORE_FAILED */
  async count(key: string, most: number): Promise<number> {
    return (await this.#rows(key, most)).length
  }

  #rows(key: string, limit: number): Promise<readonly StoreEntry[]> {
    // A blank follows the key, and `!` is next to it: no other key's rows lie between.
    return this.#table.scan({ from: `${key} `, to: `${key}!`, limit, order: 'ascending' })
  }
}
