/**
 * The slots of one channel, as the supervisor lends them to all workers. Promises: what is lent is never more than there
 * are (where they become fewer, nothing is lent until enough have come back); a worker that is short gets what is free or
 * idle elsewhere, and its even share of the rest as deliveries end; where there are fewer slots than workers that are
 * short, each gets one in its turn. What a worker had that is gone is free.
 */
import type { SlotsGranted, SlotsWanted } from './slots.ts'

interface Borrower {
  readonly worker: number
  heard: number
  whole: number
  granted: number
  /** Of these, it knows of so many. */
  known: number
  returned: number
  isShort: boolean
  /** Since which word of all it has been short, or was lent something. */
  since: number
  told: number
  /** What it was told last. */
  keep: number | undefined
}

/** Tells a worker what it has. */
export type TellSlots = (worker: number, granted: Omit<SlotsGranted, 'channel'>) => void

export class SharedSlots {
  readonly #tell: TellSlots
  readonly #borrowers = new Map<number, Borrower>()
  #words = 0

  constructor(tell: TellSlots) {
    this.#tell = tell
  }

  /** What all workers have together. */
  get lent(): number {
    return sumOf([...this.#borrowers.values()])
  }

  heard(worker: number, wanted: Omit<SlotsWanted, 'channel'>): void {
    const borrower = this.#borrower(worker)
    if (wanted.number <= borrower.heard) return
    if (wanted.isShort && !borrower.isShort) borrower.since = ++this.#words
    borrower.heard = wanted.number
    borrower.whole = wanted.whole
    borrower.known = wanted.granted
    // More than was lent cannot come back.
    const returned = Math.min(wanted.returned, borrower.granted)
    borrower.returned = Math.max(borrower.returned, returned)
    borrower.isShort = wanted.isShort
    this.#balance(borrower)
  }

  /** The worker is gone: what it had is free. */
  giveBack(worker: number): void {
    if (this.#borrowers.delete(worker)) this.#balance()
  }

  /** @param speaking is told how things are where that matters: an answer may have been lost, or a request to others */
  #balance(speaking?: Borrower): void {
    const told = new Set(this.#lend())
    const tooMany = this.lent > this.#whole
    const keeps = this.#keeps()
    for (const borrower of this.#borrowers.values()) {
      const keep = keeps.get(borrower)
      const isAsked =
        borrower === speaking
          ? tooMany || borrower.isShort
          : keep !== undefined && speaking?.isShort === true
      if (keep === borrower.keep && !isAsked && !told.has(borrower)) continue
      borrower.keep = keep
      const { worker, granted } = borrower
      const number = ++borrower.told
      this.#tell(worker, { number, granted, ...(keep === undefined ? {} : { keep }) })
    }
  }

  /** Who is short gets some of what is free: who has least first, then who has waited longest. @returns who got some */
  #lend(): readonly Borrower[] {
    const lucky: Borrower[] = []
    let free = this.#whole - this.lent
    // Whoever does not know yet what it was lent last may be short no more.
    const asking = this.#short.filter(({ known, granted }) => known >= granted)
    for (const borrower of asking.toSorted(byNeed)) {
      if (free <= 0) break
      const lot = Math.ceil(free / this.#borrowers.size)
      free -= lot
      borrower.granted += lot
      borrower.since = ++this.#words
      lucky.push(borrower)
    }
    return lucky
  }

  /** What each is to give back as soon as it is idle, where others are short and nothing is free. */
  #keeps(): ReadonlyMap<Borrower, number> {
    const keeps = new Map<Borrower, number>()
    const tooMany = this.lent > this.#whole
    const short = this.#short
    if (short.length === 0 && !tooMany) return keeps
    const others = [...this.#borrowers.values()].filter(({ isShort }) => !isShort)
    for (const borrower of others) if (lentTo(borrower) > 0) keeps.set(borrower, 0)
    const left = Math.max(0, this.#whole - sumOf(others))
    const share = Math.floor(left / Math.max(1, short.length))
    // Else one slot would go to and fro among those that have as much as they can have.
    const isUneven = short.some((borrower) => lentTo(borrower) < Math.max(1, share))
    if (isUneven || tooMany) for (const borrower of short) keeps.set(borrower, share)
    return keeps
  }

  /** While workers read another number, as in a reload, the smallest holds. */
  get #whole(): number {
    return Math.min(...[...this.#borrowers.values()].map(({ whole }) => whole))
  }

  get #short(): readonly Borrower[] {
    return [...this.#borrowers.values()].filter(({ isShort }) => isShort)
  }

  #borrower(worker: number): Borrower {
    const known = this.#borrowers.get(worker)
    if (known !== undefined) return known
    const nothing = {
      heard: 0,
      told: 0,
      whole: 0,
      granted: 0,
      known: 0,
      returned: 0,
      isShort: false,
      since: 0,
    }
    const borrower = { worker, ...nothing, keep: undefined }
    this.#borrowers.set(worker, borrower)
    return borrower
  }
}

function byNeed(a: Borrower, b: Borrower): number {
  return lentTo(a) - lentTo(b) || a.since - b.since
}

function lentTo({ granted, returned }: Borrower): number {
  return granted - returned
}

function sumOf(borrowers: readonly Borrower[]): number {
  return borrowers.reduce((sum, borrower) => sum + lentTo(borrower), 0)
}
