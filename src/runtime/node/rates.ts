/**
 * How often something happened lately, for many keys. Time is cut into slices, a tenth of the period each, and a slice
 * counts until all of it is over: so never more than the limit fits into a period, wherever that begins.
 */
import type { Spending } from '../counters.ts'

const slices = 10
/** About 300 bytes each. */
const mostKeys = 100_000
/** Among so many that were idle longest the one goes that has spent least: a flood of new keys pushes out itself. */
const candidates = 16

interface Spent {
  readonly periodMs: number
  /** The number of the newest slice, counted from the beginning of time. */
  slice: number
  /** A ring: slice n lies at n modulo its length. */
  readonly counts: number[]
  total: number
}

export class Rates {
  readonly #nowMs: () => number
  readonly #mostKeys: number
  /** Whoever spent last is the last. */
  readonly #spent = new Map<string, Spent>()

  constructor(nowMs: () => number, keys = mostKeys) {
    this.#nowMs = nowMs
    this.#mostKeys = keys
  }

  /** @returns the index of the first that is exhausted; then nothing is spent */
  spend(rates: readonly Spending[]): number | undefined {
    const nowMs = this.#nowMs()
    const exhausted = rates.findIndex(({ key, limit, periodMs }) => {
      const spent = this.#spent.get(key)
      return (spent === undefined ? 0 : totalNow(spent, periodMs, nowMs)) >= limit
    })
    if (exhausted >= 0) return exhausted
    for (const rate of rates) this.#add(rate, nowMs)
    return undefined
  }

  get size(): number {
    return this.#spent.size
  }

  #add({ key, periodMs }: Spending, nowMs: number): void {
    const before = this.#spent.get(key)
    const spent = before?.periodMs === periodMs ? before : nothingSpent(periodMs, nowMs)
    const at = spent.slice % spent.counts.length
    spent.counts[at] = (spent.counts[at] ?? 0) + 1
    spent.total += 1
    this.#spent.delete(key)
    this.#spent.set(key, spent)
    this.#forget(nowMs)
  }

  /** Two that are over at a time, so that they go faster than others come; and one where there are too many. */
  #forget(nowMs: number): void {
    let looked = 0
    for (const [key, spent] of this.#spent) {
      if (totalNow(spent, spent.periodMs, nowMs) > 0) break
      this.#spent.delete(key)
      if (++looked === 2) return
    }
    if (this.#spent.size > this.#mostKeys) this.#forgetLeast()
  }

  #forgetLeast(): void {
    const oldest = this.#spent.entries().take(candidates).toArray()
    const [least] = oldest.toSorted(([, a], [, b]) => a.total - b.total)
    // The others are looked at again when it is their turn once more.
    for (const [key, spent] of oldest) {
      this.#spent.delete(key)
      if (key !== least?.[0]) this.#spent.set(key, spent)
    }
  }
}

function nothingSpent(periodMs: number, nowMs: number): Spent {
  // One slice more than a period has: the one that is only partly over counts whole.
  const counts = Array.from({ length: slices + 1 }, () => 0)
  return { periodMs, slice: sliceAt(periodMs, nowMs), counts, total: 0 }
}

function sliceAt(periodMs: number, nowMs: number): number {
  return Math.floor((nowMs * slices) / periodMs)
}

/** What counts now; what is over is taken away. Another period begins anew. */
function totalNow(spent: Spent, periodMs: number, nowMs: number): number {
  if (spent.periodMs !== periodMs) return 0
  const slice = sliceAt(periodMs, nowMs)
  const { counts } = spent
  const passed = Math.min(slice - spent.slice, counts.length)
  for (let each = 1; each <= passed; each++) {
    const at = (spent.slice + each) % counts.length
    spent.total -= counts[at] ?? 0
    counts[at] = 0
  }
  if (passed > 0) spent.slice = slice
  return spent.total
}
