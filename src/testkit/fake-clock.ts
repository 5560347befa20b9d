import type { Clock } from '../runtime/clock.ts'

/** A clock that moves only when told; timers fire in the order of their time. */
export interface FakeClock extends Clock {
  /** Moves both clocks on and fires what falls due, one timer after the other. */
  advance(ms: number): void
  /** Timers that still wait. */
  readonly pending: number
}

export function fakeClock(startAt = 1_795_250_000_000): FakeClock {
  let elapsedMs = 0
  const timers = new Set<{ at: number; callback: () => void }>()
  const nextDue = (until: number) => {
    let next: { at: number; callback: () => void } | undefined
    for (const timer of timers)
      if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer
    return next
  }
  return {
    now: () => startAt + Math.floor(elapsedMs),
    monotonicMs: () => elapsedMs,
    after(delayMs, callback) {
      const timer = { at: elapsedMs + Math.max(0, delayMs), callback }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    advance(ms) {
      const until = elapsedMs + ms
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer)
        elapsedMs = Math.max(elapsedMs, timer.at)
        timer.callback()
      }
      elapsedMs = until
    },
    get pending() {
      return timers.size
    },
  }
}
