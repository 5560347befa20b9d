/**
 * What became of the transactions of the last minutes, by slices of time. They are counted where they lie, not read: at the
 * first question as far back as it goes, afterwards what is new. However many are new, a question costs about the same, and
 * none is left out; where they are too many for one question, the next one goes on.
 */
import type { Now, Slice } from '../../admin/schemas/system.ts'
import type { EndingCount, TraceSearch } from '../../trace/trace-search.ts'
import type { TraceOutcome } from '../../trace/trace-summary.ts'

export const sliceMs = 10_000
const slices = 30
const mostReasons = 12
/** Reasons may be a stranger's choice. */
const mostEndingsOfSlice = 200
const mostNames = 500
/** Of pages that one question asks for. */
const mostPages = 32

type Endings = Pick<TraceSearch, 'endings' | 'at'>

/** Of transactions that ended in the same way and for the same reason. */
type Ending = { -readonly [K in 'outcome' | 'count' | 'cursor']: EndingCount[K] }

interface Tally {
  readonly counts: { -readonly [K in keyof Slice]: Slice[K] }
  /** Those with a reason, by their number. */
  readonly endings: Map<number, Ending>
}

export class RecentCounts {
  /** By where they begin. */
  readonly #tallies = new Map<number, Tally>()
  /** Reasons by the number of the ending. */
  readonly #names = new Map<number, string>()
  #cursor: string | undefined

  /** @throws PosternError STORE_FAILED; the next question begins anew */
  async count(search: Endings, now: number): Promise<Pick<Now, 'slices' | 'reasons'>> {
    const from = firstSlice(now)
    for (const at of this.#tallies.keys()) if (at < from) this.#tallies.delete(at)
    try {
      await this.#countNew(search, from)
      return { slices: this.#slices(from), reasons: await this.#reasons(search) }
    } catch (error) {
      this.forget()
      throw error
    }
  }

  /** It is another archive. */
  forget(): void {
    this.#tallies.clear()
    this.#names.clear()
    this.#cursor = undefined
  }

  async #countNew(search: Endings, since: number): Promise<void> {
    for (let page = 0; page < mostPages; page++) {
      const cursor = this.#cursor
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
      const { items, next, isComplete } = await search.endings({
        sliceMs,
        since,
        ...(cursor === undefined ? {} : { cursor }),
      })
      for (const item of items) this.#add(item)
      this.#cursor = next
      if (isComplete) return
    }
  }

  #add({ at, outcome, ending, hasReason, count, cursor }: EndingCount): void {
    const tally = this.#tallies.get(at) ?? { counts: emptySlice(at), endings: new Map() }
    this.#tallies.set(at, tally)
    tally.counts[outcome] += count
    if (!hasReason || outcome === 'accepted') return
    const known = tally.endings.get(ending)
    if (known !== undefined) Object.assign(known, { count: known.count + count, cursor })
    else if (tally.endings.size < mostEndingsOfSlice) {
      tally.endings.set(ending, { outcome, count, cursor })
    }
  }

  #slices(from: number): readonly Slice[] {
    return Array.from({ length: slices }, (_, index) => {
      const at = from + index * sliceMs
      return { ...(this.#tallies.get(at)?.counts ?? emptySlice(at)) }
    })
  }

  async #reasons(search: Endings): Promise<Now['reasons']> {
    const sums = new Map<number, Ending>()
    for (const { endings } of this.#tallies.values()) {
      for (const [ending, { outcome, count, cursor }] of endings) {
        const before = sums.get(ending)?.count ?? 0
        sums.set(ending, { outcome, count: before + count, cursor })
      }
    }
    const most = [...sums].toSorted(([, a], [, b]) => b.count - a.count).slice(0, mostReasons)
    const named = most.map(async ([ending, { outcome, count, cursor }]) => {
      const reason = await this.#nameOf(search, ending, cursor)
      return reason === undefined ? [] : [{ outcome, reason, count }]
    })
    return (await Promise.all(named)).flat()
  }

  /** @returns undefined where nobody can tell any more */
  async #nameOf(search: Endings, ending: number, cursor: string): Promise<string | undefined> {
    const known = this.#names.get(ending)
    if (known !== undefined) return known
    const reason = (await search.at(cursor))?.reason
    if (reason === undefined) return undefined
    if (this.#names.size >= mostNames) this.#names.clear()
    this.#names.set(ending, reason)
    return reason
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
