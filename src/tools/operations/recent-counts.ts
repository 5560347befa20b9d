/**
 * What became of the transactions of the last minutes, by slices of time. Each record is read once, however often somebody
 * asks: at the first question as far back as it goes, afterwards what is new. Where more is new than one question may read,
 * the rest is passed over, and the sums are too low.
 */
import type { Now, Slice } from '../../admin/schemas/system.ts'
import type { TraceSearch } from '../../trace/trace-search.ts'
import type { TraceOutcome, TraceSummary } from '../../trace/trace-summary.ts'

export const sliceMs = 10_000
const slices = 30
const mostCounted = 5_000
const mostReasons = 12
/** Reasons may be a stranger's choice. */
const mostReasonsOfSlice = 200
const page = 1_000

type Reason = { -readonly [K in keyof Now['reasons'][number]]: Now['reasons'][number][K] }

interface Tally {
  readonly counts: { -readonly [K in keyof Slice]: Slice[K] }
  readonly reasons: Map<string, Reason>
}

export class RecentCounts {
  /** By where they begin. */
  readonly #tallies = new Map<number, Tally>()
  #cursor: string | undefined

  /** @throws PosternError STORE_FAILED; the next question begins anew */
  async count(
    search: Pick<TraceSearch, 'search' | 'newSince'>,
    now: number,
  ): Promise<Pick<Now, 'slices' | 'reasons'>> {
    const from = firstSlice(now)
    for (const at of this.#tallies.keys()) if (at < from) this.#tallies.delete(at)
    try {
      if (this.#cursor === undefined) await this.#fromTheStart(search, from)
      else await this.#whatIsNew(search, this.#cursor, from)
    } catch (error) {
      this.forget()
      throw error
    }
    return { slices: this.#slices(from), reasons: this.#reasons() }
  }

  /** It is another archive. */
  forget(): void {
    this.#tallies.clear()
    this.#cursor = undefined
  }

  async #fromTheStart(
    search: Pick<TraceSearch, 'search' | 'newSince'>,
    from: number,
  ): Promise<void> {
    const { next } = await search.newSince()
    let counted = 0
    for (let cursor: string | undefined; counted < mostCounted;) {
      const asked = { since: from, limit: page, ...(cursor === undefined ? {} : { cursor }) }
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
      const found = await search.search(asked)
      counted += found.items.length
      // What has come since the mark is counted by the next question.
      for (const item of found.items) if (isUpTo(item.cursor, next)) this.#add(item, from)
      if (found.next === undefined) break
      cursor = found.next
    }
    this.#cursor = next
  }

  async #whatIsNew(
    search: Pick<TraceSearch, 'newSince'>,
    after: string,
    from: number,
  ): Promise<void> {
    let cursor = after
    for (let counted = 0; counted < mostCounted;) {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
      const { items, next } = await search.newSince(cursor, page)
      for (const item of items) this.#add(item, from)
      counted += items.length
      cursor = next
      if (items.length < page) {
        this.#cursor = cursor
        return
      }
    }
    this.#cursor = (await search.newSince()).next
  }

  #add({ endedAt, outcome, reason }: TraceSummary, from: number): void {
    const at = Math.floor(endedAt / sliceMs) * sliceMs
    if (at < from) return
    const tally = this.#tallies.get(at) ?? { counts: emptySlice(at), reasons: new Map() }
    this.#tallies.set(at, tally)
    tally.counts[outcome] += 1
    if (reason === undefined || outcome === 'accepted') return
    const key = `${outcome} ${reason}`
    const known = tally.reasons.get(key)
    if (known !== undefined) known.count += 1
    else if (tally.reasons.size < mostReasonsOfSlice)
      tally.reasons.set(key, { outcome, reason, count: 1 })
  }

  #slices(from: number): readonly Slice[] {
    return Array.from({ length: slices }, (_, index) => {
      const at = from + index * sliceMs
      return { ...(this.#tallies.get(at)?.counts ?? emptySlice(at)) }
    })
  }

  #reasons(): Now['reasons'] {
    const sums = new Map<string, Reason>()
    for (const { reasons } of this.#tallies.values()) {
      for (const [key, { outcome, reason, count }] of reasons) {
        sums.set(key, { outcome, reason, count: (sums.get(key)?.count ?? 0) + count })
      }
    }
    return [...sums.values()].toSorted((a, b) => b.count - a.count).slice(0, mostReasons)
  }
}

/** Where nothing was recorded. */
export function nothingYet(now: number): Pick<Now, 'slices' | 'reasons'> {
  const from = firstSlice(now)
  const empty = Array.from({ length: slices }, (_, index) => emptySlice(from + index * sliceMs))
  return { slices: empty, reasons: [] }
}

function firstSlice(now: number): number {
  return Math.floor(now / sliceMs) * sliceMs - (slices - 1) * sliceMs
}

/** Cursors are positions, which rise. */
function isUpTo(cursor: string | undefined, mark: string): boolean {
  if (cursor === undefined) return true
  return cursor.length < mark.length || (cursor.length === mark.length && cursor <= mark)
}

function emptySlice(at: number): Tally['counts'] {
  const none = {
    accepted: 0,
    quarantined: 0,
    discarded: 0,
    refused: 0,
    deferred: 0,
    abandoned: 0,
  } satisfies Record<TraceOutcome, number>
  return { at, ...none }
}
