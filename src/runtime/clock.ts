import type { Instant } from '../mail/instant.ts'

/** A timer that can be called off; calling it off twice is harmless. */
export interface Timer {
  cancel(): void
}

/** The door to time. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch: for dates and for what survives a restart. */
  now(): Instant
  /** Milliseconds that never go back, with fractions: for durations. */
  monotonicMs(): number
  /** Calls back once after `delayMs`. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer
}
