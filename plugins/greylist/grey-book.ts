/** Who came when, and who is known by it. */
import type { Clock, Instant, Store } from 'postern/plugin'
import { Pages, type Page } from './pages.ts'

export interface GreyBookParts {
  readonly clock: Clock
  readonly store: Store
  readonly retryMs: number
  readonly lifetimeMs: number
}

export interface Visit {
  readonly visit: 'first' | 'too soon' | 'known'
  readonly firstAt: Instant
}

export interface Visitor {
  readonly key: string
  readonly network: string
  readonly holdMs: number
  /** A network is known as a whole after so many keys of it have come back; 0: never. */
  readonly allowAfter: number
  readonly signal: AbortSignal
}

const maxEntries = 1_000_000

export class GreyBook {
  readonly #clock: Clock
  readonly #retryMs: number
  readonly #keys: Pages
  /** `passes` counts the keys of a network that came back. */
  readonly #networks: Pages

  constructor({ clock, store, retryMs, lifetimeMs }: GreyBookParts) {
    const pages = (name: string): Pages =>
      new Pages({ table: store.table(name, { maxEntries }), clock, lifetimeMs })
    this.#clock = clock
    this.#retryMs = retryMs
    this.#keys = pages('keys')
    this.#networks = pages('networks')
  }

  /** @throws PosternError STORE_FAILED, ABORTED */
  async visit({ key, network, holdMs, allowAfter, signal }: Visitor): Promise<Visit> {
    const now = this.#clock.now()
    const whole = allowAfter > 0 ? await this.#networks.find(network, signal) : undefined
    if (whole !== undefined && whole.passes >= allowAfter) {
      this.#networks.touch(network, { ...whole, lastAt: now })
      return { visit: 'known', firstAt: whole.firstAt }
    }
    const page = await this.#keys.find(key, signal)
    if (page === undefined) {
      await this.#keys.begin(key, { firstAt: now, lastAt: now, passes: 0 }, this.#retryMs)
      return { visit: 'first', firstAt: now }
    }
    const { firstAt, passes } = page
    if (firstAt + holdMs > now) return { visit: 'too soon', firstAt }
    if (passes === 0 && allowAfter > 0) this.#credit(network, whole, now)
    this.#keys.touch(key, { firstAt, lastAt: now, passes: passes + 1 })
    return { visit: 'known', firstAt }
  }

  #credit(network: string, page: Page | undefined, now: Instant): void {
    const { firstAt, passes } = page ?? { firstAt: now, passes: 0 }
    this.#networks.write(network, { firstAt, lastAt: now, passes: passes + 1 })
  }
}
