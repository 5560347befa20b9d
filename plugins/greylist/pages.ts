/**
 * Pages of the greylist: a table of the store with a memory before it. What is remembered, that there is no page included,
 * costs no question to the store, and its visits are written down at most once an hour.
 */
import type { Clock, Instant, JsonValue, MaybePromise, StoreTable } from 'postern/plugin'

/** Somebody who was seen: when first and last, and how often they were let pass. */
export interface Page {
  readonly firstAt: Instant
  readonly lastAt: Instant
  readonly passes: number
}

const mostRemembered = 10_000
const writeEveryMs = 3_600_000
/** So long the memory is believed without a question: `postern greylist` writes to the store beside us. */
const believedMs = 60_000
/** Who waits for somebody to be let in by `postern greylist allow` tries again at once; in a flood it spares nearly all questions. */
const absenceBelievedMs = 1_000

export interface PagesParts {
  readonly table: StoreTable
  readonly clock: Clock
  /** A page whose last visit lies further back is forgotten. */
  readonly lifetimeMs: number
}

export class Pages {
  readonly #parts: PagesParts
  /** As last written or read, the one longest ago first. */
  readonly #remembered = new Map<string, Remembered>()
  /** Of whom there was no page, and when that was read; in a map of their own, so that strangers push nobody out who is known. */
  readonly #absent = new Map<string, Instant>()

  constructor(parts: PagesParts) {
    this.#parts = parts
  }

  /** @throws PosternError STORE_FAILED, ABORTED */
  find(key: string, signal?: AbortSignal): MaybePromise<Page | undefined> {
    const { table, clock, lifetimeMs } = this.#parts
    const known = this.#remembered.get(key)
    const now = clock.now()
    if (known !== undefined && known.readAt + believedMs > now) {
      const page = known.page.lastAt + lifetimeMs > now ? known.page : undefined
      table.remembered?.(key, page && pack(page))
      return page
    }
    if ((this.#absent.get(key) ?? -Infinity) + absenceBelievedMs > now) {
      table.remembered?.(key, undefined)
      return undefined
    }
    return table.get(key, signal).then((value) => {
      const page = unpack(value)
      if (page === undefined) this.#forget(key)
      // What waits to be written is newer than what was read.
      else
        this.#remember(
          key,
          known !== undefined && known.page.lastAt > page.lastAt ? known.page : page,
        )
      return page
    })
  }

  /** A page that is gone if nobody comes back within `forMs`. */
  async begin(key: string, page: Page, forMs: number): Promise<void> {
    this.#absent.delete(key)
    await this.#parts.table.put(key, pack(page), page.lastAt + forMs)
  }

  /** Nobody waits for it: a visit that is not written down costs somebody a hold time at worst. */
  write(key: string, page: Page): void {
    const { table, lifetimeMs } = this.#parts
    table.putLater(key, pack(page), page.lastAt + lifetimeMs)
    this.#remember(key, page)
  }

  /** As `write`, unless a visit was written down less than an hour ago. */
  touch(key: string, page: Page): void {
    const before = this.#remembered.get(key)?.page
    const isFirst = before !== undefined && before.passes === 0 && page.passes > 0
    if (before === undefined || isFirst || page.lastAt - before.lastAt >= writeEveryMs) {
      this.write(key, page)
    }
  }

  #remember(key: string, page: Page): void {
    this.#absent.delete(key)
    putLast(this.#remembered, key, { page, readAt: this.#parts.clock.now() })
  }

  #forget(key: string): void {
    this.#remembered.delete(key)
    putLast(this.#absent, key, this.#parts.clock.now())
  }
}

/** Of too many, those that were put there longest ago go. */
function putLast<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= mostRemembered) break
    map.delete(oldest)
  }
}

interface Remembered {
  readonly page: Page
  readonly readAt: Instant
}

export function pack({ firstAt, lastAt, passes }: Page): JsonValue {
  return [firstAt, lastAt, passes]
}

/** What is not a page of ours (an older form, a hand that slipped) is nobody. */
export function unpack(value: JsonValue | undefined): Page | undefined {
  if (!Array.isArray(value)) return undefined
  const [firstAt, lastAt, passes] = value
  return typeof firstAt === 'number' && typeof lastAt === 'number' && typeof passes === 'number'
    ? { firstAt, lastAt, passes }
    : undefined
}
