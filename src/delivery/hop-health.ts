/**
 * Which next hops do not answer. All messages for a hop share what one of them has learned: while it is down none
 * of them dials, and when the time has come one tries for all. The pause doubles from a minute to an hour, so that
 * the schedule of a single message is never disturbed by its own failures.
 */
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'

interface Down {
  readonly failures: number
  /** By the monotonic clock, as `untilMs`: the other may be set. */
  readonly sinceMs: number
  readonly untilMs: number
  readonly text: string
  /** Somebody tries just now. */
  probing: boolean
}

const firstPauseMs = 60_000
const longestPauseMs = 3_600_000
/** Beyond that the one that failed longest ago is forgotten. */
const maxHops = 10_000

export class HopHealth {
  readonly #clock: Clock
  readonly #log: Log
  readonly #down = new Map<string, Down>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** How many are known to be down. */
  get down(): number {
    return this.#down.size
  }

  /** What a delivery by this route comes to without being tried; undefined where it is to be tried. */
  verdict(key: string): DeliveryResult | undefined {
    const down = this.#down.get(key)
    if (down === undefined || (this.#clock.monotonicMs() >= down.untilMs && !down.probing))
      return undefined
    const text = `Not tried, since this next hop did not answer a moment ago:\n${down.text}`
    return { outcome: 'deferred', status: '4.4.1', text }
  }

  /** A delivery that `verdict` let through begins: others wait for what comes of it where the hop was down. */
  begin(key: string): void {
    const down = this.#down.get(key)
    if (down !== undefined) down.probing = true
  }

  /** @param begunMs of the delivery, by the monotonic clock: one that began before the hop was known to be down says nothing new */
  learn(key: string, results: readonly DeliveryResult[], begunMs: number): void {
    const before = this.#down.get(key)
    const [first] = results
    const nowMs = this.#clock.monotonicMs()
    if (first === undefined || !results.every(isNoAnswer)) {
      if (this.#down.delete(key)) this.#log.info('hop.up', { route: key })
      return
    }
    if (before !== undefined && begunMs < before.sinceMs) return
    const failures = (before?.failures ?? 0) + 1
    const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(failures - 1, 30), longestPauseMs)
    const [text = ''] = first.text.split('\n', 1)
    this.#down.delete(key)
    this.#down.set(key, {
      failures,
      sinceMs: nowMs,
      untilMs: nowMs + pauseMs,
      text,
      probing: false,
    })
    this.#log.info('hop.down', { route: key, failures, pauseMs, text })
    if (this.#down.size > maxHops) this.#forgetOldest()
  }

  /** Everybody may dial again. */
  forget(): void {
    this.#down.clear()
  }

  #forgetOldest(): void {
    for (const key of this.#down.keys()) {
      this.#down.delete(key)
      return
    }
  }
}

/** RFC 3463 §3.5: the outbound connection was not answered. Whatever else a hop says, it is there. */
function isNoAnswer({ outcome, status }: DeliveryResult): boolean {
  return outcome === 'deferred' && status === '4.4.1'
}
