/**
 * Pages of the greylist: a table of the store with a memory before it. What is remembered costs no question to the
 * store, and its visits are written down at most once an hour.
 */
import type { Clock, Instant, JsonValue, StoreTable } from 'postern/plugin'

/** Somebody who was seen: when first and last, and how often they were let pass. */
export interface Page {
  readonly firstAt: Instant
  readonly lastAt: Instant
  readonly passes: number
}

const mostRemembered = 10_000
const writeEveryMs = 3_600_000

export interface PagesParts {
  readonly table: StoreTable
  readonly clock: Clock
  /** A page whose last visit lies further back is forgotten. */
  readonly lifetimeMs: number
}

export class Pages {
  readonly #parts: PagesParts
  /** As last written, the one written longest ago first. */
  readonly #remembered = new Map<string, Page>()

  constructor(parts: PagesParts) {
    this.#parts = parts
  }

  /** @throws PosternError STORE_FAILED, ABORTED */
  async find(key: string, signal: AbortSignal): Promise<Page | undefined> {
    const { table, clock, lifetimeMs } = this.#parts
    const page = this.#remembered.get(key)
    if (page !== undefined && page.lastAt + lifetimeMs > clock.now()) return page
    return unpack(await table.get(key, signal))
  }

  /** A page that is gone if nobody comes back within `forMs`. */
  async begin(key: string, page: Page, forMs: number): Promise<void> {
    await this.#parts.table.put(key, pack(page), page.lastAt + forMs)
  }

  /** Nobody waits for it: a visit that is not written down costs somebody a hold time at worst. */
  write(key: string, page: Page): void {
    const { table, lifetimeMs } = this.#parts
    table.putLater(key, pack(page), page.lastAt + lifetimeMs)
    this.#remembered.delete(key)
    this.#remembered.set(key, page)
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= mostRemembered) break
      this.#remembered.delete(oldest)
    }
  }

  /** As `write`, unless a visit was written down less than an hour ago. */
  touch(key: string, page: Page): void {
    const before = this.#remembered.get(key)
    if (before === undefined || page.lastAt - before.lastAt >= writeEveryMs) this.write(key, page)
  }
}

function pack({ firstAt, lastAt, passes }: Page): JsonValue {
  return [firstAt, lastAt, passes]
}

/** What is not a page of ours (an older form, a hand that slipped) is nobody. */
function unpack(value: JsonValue | undefined): Page | undefined {
  if (!Array.isArray(value)) return undefined
  const [firstAt, lastAt, passes] = value
  return typeof firstAt === 'number' && typeof lastAt === 'number' && typeof passes === 'number'
    ? { firstAt, lastAt, passes }
    : undefined
}
