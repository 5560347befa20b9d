import type { Clock, Timer } from '../../runtime/clock.ts'

export interface OwnerPatience {
  readonly patienceMs: number
  /** Whether this owner may have another process; where not, everybody waits for one that is there. */
  readonly mayStart: (owner: string) => boolean
}

type Waiter<Free> = (free: Free | undefined) => void

interface Line<Free> {
  /** With the time from which on each waits. */
  readonly waiters: Map<Waiter<Free>, number>
  timer: Timer
}

/**
 * Deliveries that wait for a process of their owner's to be free. Who is first and has waited for so long is told to have a
 * process of its own, one after the other: a program that hangs keeps nobody for long, and while one starts, not everybody
 * starts another.
 */
export class OwnerQueue<Free> {
  readonly #clock: Clock
  readonly #patienceMs: number
  readonly #mayStart: (owner: string) => boolean
  /** With as many in them as there are deliveries under way, which the courier bounds, or the deliverer. */
  readonly #lines = new Map<string, Line<Free>>()

  constructor(clock: Clock, { patienceMs, mayStart }: OwnerPatience) {
    this.#clock = clock
    this.#patienceMs = patienceMs
    this.#mayStart = mayStart
  }

  /** @returns what is free now; undefined: nothing is, and it is time to start another, or the signal has fired */
  async wait(owner: string, signal: AbortSignal): Promise<Free | undefined> {
    if (signal.aborted) return undefined
    const { promise, resolve } = Promise.withResolvers<Free | undefined>()
    const line = this.#lines.get(owner) ?? {
      waiters: new Map(),
      timer: this.#impatience(owner, this.#patienceMs),
    }
    this.#lines.set(owner, line)
    line.waiters.set(resolve, this.#clock.monotonicMs())
    const giveUp = (): void => {
      // At once: what is free in this turn is for somebody else.
      this.#leave(owner, resolve)
      resolve(undefined)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', giveUp)
      this.#leave(owner, resolve)
    }
  }

  /** @returns whether there was somebody to be told, who has it now */
  tell(owner: string, free: Free | undefined): boolean {
    const [first] = this.#lines.get(owner)?.waiters.keys() ?? []
    if (first === undefined) return false
    this.#leave(owner, first)
    first(free)
    return true
  }

  #leave(owner: string, waiter: Waiter<Free>): void {
    const line = this.#lines.get(owner)
    if (line?.waiters.delete(waiter) !== true || line.waiters.size > 0) return
    line.timer.cancel()
    this.#lines.delete(owner)
  }

  #impatience(owner: string, ms: number): Timer {
    return this.#clock.after(ms, () => {
      const line = this.#lines.get(owner)
      const [since] = line?.waiters.values() ?? []
      if (line === undefined || since === undefined) return
      const leftMs = since + this.#patienceMs - this.#clock.monotonicMs()
      line.timer = this.#impatience(owner, leftMs > 0 ? leftMs : this.#patienceMs)
      if (leftMs <= 0 && this.#mayStart(owner)) this.tell(owner, undefined)
    })
  }
}
