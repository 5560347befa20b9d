/** Who came when, and who is known by it. */
import type { Clock, Instant, MaybePromise, Store } from 'postern/plugin'
import { Pages, type Page } from './pages.ts'

export interface GreyBookParts {
  readonly clock: Clock
  readonly store: Store
  readonly retryMs: number
  readonly lifetimeMs: number
}

export interface Visit {
  /** `good`: known as a whole, by what came from there before or because somebody said so. */
  readonly visit: 'first' | 'too soon' | 'known' | 'good'
  readonly firstAt: Instant
}

export interface Visitor {
  readonly key: string
  /** Its network, or the domain that SPF vouches for. */
  readonly client: string
  readonly holdMs: number
  /** A client is known as a whole after so many keys of it have come back; 0: never. */
  readonly allowAfter: number
  /** The same after so many messages that nobody objected to. */
  readonly goodMail: number
  readonly signal: AbortSignal
}

export const maxEntries = 1_000_000
/** Beside `keys`: clients as a whole, by keys that came back and by good mail. `postern greylist` knows these names too. */
const tableNames = { keys: 'keys', clients: 'networks', good: 'good' } as const
/** Passes of a client that an operator let in: nothing makes it unknown but an operator. */
export const letIn = 1_000_000_000

export class GreyBook {
  readonly #clock: Clock
  readonly #retryMs: number
  readonly #keys: Pages
  /** `passes` counts the keys of a client that came back. */
  readonly #clients: Pages
  /** `passes` counts messages that nobody objected to. */
  readonly #good: Pages

  constructor({ clock, store, retryMs, lifetimeMs }: GreyBookParts) {
    const pages = (name: string): Pages =>
      new Pages({ table: store.table(name, { maxEntries }), clock, lifetimeMs })
    this.#clock = clock
    this.#retryMs = retryMs
    this.#keys = pages(tableNames.keys)
    this.#clients = pages(tableNames.clients)
    this.#good = pages(tableNames.good)
  }

  /** Answers at once where all of it is remembered. @throws PosternError STORE_FAILED, ABORTED */
  visit(visitor: Visitor): MaybePromise<Visit> {
    const { key, client, goodMail, signal } = visitor
    const whole = this.#clients.find(client, signal)
    const good = goodMail > 0 ? this.#good.find(client, signal) : undefined
    const page = this.#keys.find(key, signal)
    return whole instanceof Promise || good instanceof Promise || page instanceof Promise
      ? Promise.all([whole, good, page]).then((pages) => this.#judge(visitor, ...pages))
      : this.#judge(visitor, whole, good, page)
  }

  #judge(
    { key, client, holdMs, allowAfter, goodMail }: Visitor,
    whole: Page | undefined,
    good: Page | undefined,
    page: Page | undefined,
  ): MaybePromise<Visit> {
    const now = this.#clock.now()
    const known = enough(whole, allowAfter) ?? enough(good, goodMail)
    if (known !== undefined) {
      const pages = known === whole ? this.#clients : this.#good
      if (known.passes < letIn) pages.touch(client, { ...known, lastAt: now })
      return { visit: 'good', firstAt: known.firstAt }
    }
    if (page === undefined) {
      const begun = this.#keys.begin(key, { firstAt: now, lastAt: now, passes: 0 }, this.#retryMs)
      return begun.then(() => ({ visit: 'first', firstAt: now }))
    }
    const { firstAt, passes } = page
    // Seen by a clock that was ahead: he has been there, and must not wait until it is as late as that.
    const isOfLater = firstAt > now
    if (!isOfLater && firstAt + holdMs > now) return { visit: 'too soon', firstAt }
    if (passes === 0 && allowAfter > 0) this.#credit(this.#clients, client, whole)
    this.#keys.touch(key, { firstAt, lastAt: now, passes: passes + 1 })
    return { visit: 'known', firstAt }
  }

  /** A message came from there that nobody objected to. @throws PosternError STORE_FAILED */
  async welcome(client: string, goodMail: number): Promise<void> {
    const page = await this.#good.find(client)
    if (page === undefined || page.passes < goodMail) this.#credit(this.#good, client, page)
    else this.#good.touch(client, { ...page, lastAt: this.#clock.now() })
  }

  #credit(pages: Pages, client: string, page: Page | undefined): void {
    const now = this.#clock.now()
    const { firstAt, passes } = page ?? { firstAt: now, passes: 0 }
    pages.write(client, { firstAt, lastAt: now, passes: passes + 1 })
  }
}

function enough(page: Page | undefined, wanted: number): Page | undefined {
  if (page === undefined) return undefined
  return page.passes >= letIn || (wanted > 0 && page.passes >= wanted) ? page : undefined
}
