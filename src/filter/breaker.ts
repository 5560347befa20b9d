/**
 * Keeps a dependency that is down from being asked again and again. After a row of faults the
 * breaker opens: the entry's `on_fault` then counts without asking. After a while one question
 * is let through as a probe; its answer closes the breaker, another fault opens it anew.
 */
export type BreakerState = 'closed' | 'open' | 'probing'

export interface BreakerLimits {
  /** Faults in a row, with no answer between them, that open it. */
  readonly faults: number
  /** Within which they must fall. */
  readonly withinMs: number
  readonly openMs: number
}

export const breakerLimits: BreakerLimits = { faults: 5, withinMs: 60_000, openMs: 30_000 }

export class Breaker {
  readonly #limits: BreakerLimits
  #state: BreakerState = 'closed'
  #faults = 0
  #firstFaultMs = 0
  #openedMs = 0

  constructor(limits: BreakerLimits = breakerLimits) {
    this.#limits = limits
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Whether to ask. While `open` it answers yes once, when its time is over: that question is the probe. */
  allows(nowMs: number): boolean {
    if (this.#state === 'closed') return true
    if (this.#state === 'probing' || nowMs - this.#openedMs < this.#limits.openMs) return false
    this.#state = 'probing'
    return true
  }

  answered(): void {
    this.#faults = 0
    this.#state = 'closed'
  }

  /** The question says nothing about the dependency: it was called off, or failed by what was asked about. */
  calledOff(): void {
    if (this.#state === 'probing') this.#state = 'open'
  }

  /** @returns whether it opened with this fault. */
  faulted(nowMs: number): boolean {
    if (this.#state === 'open') return false
    if (this.#state === 'probing') return this.#open(nowMs)
    if (this.#faults === 0 || nowMs - this.#firstFaultMs > this.#limits.withinMs) {
      this.#faults = 0
      this.#firstFaultMs = nowMs
    }
    this.#faults += 1
    return this.#faults >= this.#limits.faults && this.#open(nowMs)
  }

  #open(nowMs: number): true {
    this.#state = 'open'
    this.#openedMs = nowMs
    this.#faults = 0
    return true
  }
}
