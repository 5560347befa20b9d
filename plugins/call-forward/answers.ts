/** What back ends said of recipients, remembered in the store; and which of them rest because they do not answer. */
import type { Clock, Instant, JsonValue, Store, StoreTable } from 'postern/plugin'

export interface Answer {
  readonly exists: boolean
  readonly askedAt: Instant
}

const maxEntries = 200_000

export class Answers {
  readonly #table: StoreTable
  readonly #clock: Clock
  readonly #keepMs: number

  /** @param keepMs so long a yes may stand in for a back end that does not answer */
  constructor(store: Store, clock: Clock, keepMs: number) {
    this.#table = store.table('answers', { maxEntries })
    this.#clock = clock
    this.#keepMs = keepMs
  }

  /** @throws PosternError STORE_FAILED, ABORTED */
  async find(key: string, signal: AbortSignal): Promise<Answer | undefined> {
    return unpack(await this.#table.get(key, signal))
  }

  /** Nobody waits for it: what is not remembered is asked again. */
  keep(key: string, exists: boolean, freshNoMs: number): void {
    const askedAt = this.#clock.now()
    // A no is of no use later, and strangers make as many as they like.
    this.#table.putLater(key, [exists, askedAt], askedAt + (exists ? this.#keepMs : freshNoMs))
  }
}

function unpack(value: JsonValue | undefined): Answer | undefined {
  if (!Array.isArray(value)) return undefined
  const [exists, askedAt] = value
  return typeof exists === 'boolean' && typeof askedAt === 'number'
    ? { exists, askedAt }
    : undefined
}

/** A back end that failed so often in a row is left alone for a while. */
const mostFailures = 3
const restMs = 30_000
/** There are as many as the table has; a table that changes all the time must not fill the memory. */
const mostBackEnds = 1_000

export class Rests {
  readonly #clock: Clock
  readonly #failing = new Map<string, { readonly failures: number; readonly untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  rests(backEnd: string): boolean {
    const untilMs = this.#failing.get(backEnd)?.untilMs ?? 0
    return untilMs > this.#clock.monotonicMs()
  }

  /** @returns whether it had failed before */
  answered(backEnd: string): boolean {
    return this.#failing.delete(backEnd)
  }

  /** @returns whether it rests from now on */
  failed(backEnd: string): boolean {
    const failures = (this.#failing.get(backEnd)?.failures ?? 0) + 1
    const untilMs = failures < mostFailures ? 0 : this.#clock.monotonicMs() + restMs
    this.#failing.delete(backEnd)
    this.#failing.set(backEnd, { failures, untilMs })
    const [oldest] = this.#failing.keys()
    if (this.#failing.size > mostBackEnds && oldest !== undefined) this.#failing.delete(oldest)
    return untilMs > 0
  }
}
