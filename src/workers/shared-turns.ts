/**
 * Turns at next hops, as the supervisor gives them to all workers: so many at a time, so long between two starts, in the
 * order in which they were asked for. It is known who has how many, so that a worker that dies holds none.
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { HopLimits } from '../runtime/hop-turns.ts'

interface Waiting {
  readonly worker: number
  readonly granted: () => void
}

interface Hop {
  limits: HopLimits
  /** By worker. */
  readonly taken: Map<number, number>
  /** By the monotonic clock: no start before. */
  notBefore: number
  timer: Timer | undefined
  waiting: Waiting[]
}

/** What idle hops remember of their last start is forgotten where there are more of them. */
const mostIdle = 10_000

export class SharedTurns {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>
  readonly #hops = new Map<string, Hop>()

  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>) {
    this.#clock = clock
  }

  /** @param granted called when it may begin, perhaps at once */
  take(key: string, limits: HopLimits, waiting: Waiting): void {
    const hop = this.#hop(key, limits)
    hop.limits = limits
    hop.waiting.push(waiting)
    this.#grant(hop)
  }

  /** What a worker does not have it cannot give. */
  give(worker: number, key: string): void {
    const hop = this.#hops.get(key)
    const count = hop?.taken.get(worker) ?? 0
    if (hop === undefined || count === 0) return
    if (count === 1) hop.taken.delete(worker)
    else hop.taken.set(worker, count - 1)
    this.#grant(hop)
    if (this.#hops.size > mostIdle) this.#forgetIdle()
  }

  /** The worker is gone: what it had is free, and it waits for nothing. */
  giveBack(worker: number): void {
    for (const hop of this.#hops.values()) {
      hop.taken.delete(worker)
      hop.waiting = hop.waiting.filter((each) => each.worker !== worker)
      this.#grant(hop)
    }
  }

  #grant(hop: Hop): void {
    const now = this.#clock.monotonicMs()
    while (
      hop.waiting.length > 0 &&
      hop.notBefore <= now &&
      takenOf(hop) < hop.limits.concurrency
    ) {
      const next = hop.waiting.shift()
      if (next === undefined) return
      hop.taken.set(next.worker, (hop.taken.get(next.worker) ?? 0) + 1)
      if (hop.limits.intervalMs > 0) hop.notBefore = now + hop.limits.intervalMs
      next.granted()
    }
    if (hop.waiting.length === 0 || hop.notBefore <= now || hop.timer !== undefined) return
    hop.timer = this.#clock.after(hop.notBefore - now, () => {
      hop.timer = undefined
      this.#grant(hop)
    })
  }

  #hop(key: string, limits: HopLimits): Hop {
    const known = this.#hops.get(key)
    if (known !== undefined) return known
    const hop: Hop = { limits, taken: new Map(), notBefore: 0, timer: undefined, waiting: [] }
    this.#hops.set(key, hop)
    return hop
  }

  #forgetIdle(): void {
    const now = this.#clock.monotonicMs()
    for (const [key, hop] of this.#hops) {
      if (hop.taken.size === 0 && hop.waiting.length === 0 && hop.notBefore <= now) {
        this.#hops.delete(key)
      }
    }
  }
}

function takenOf({ taken }: Hop): number {
  let sum = 0
  for (const count of taken.values()) sum += count
  return sum
}
