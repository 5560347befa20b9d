/** When a commit waits for others, so that one sync carries them all: only where they are as good as there. */
import type { Clock } from '../runtime/clock.ts'

/** Where so many wait for a sync, it waits for nobody else. */
const enough = 8
/** So long it waits for the others. */
const gatherMs = 2
/** Records that come no further apart than this, in milliseconds: the next one comes while it waits. */
const denseMs = gatherMs

export class Company {
  readonly #clock: Clock
  readonly #underway: () => number
  /** When the last batch went out, by the monotonic clock, and how far apart its records had come. */
  #lastMs = -Infinity
  #apartMs = Infinity
  #gathered: (() => void) | undefined

  /** @param underway how many messages are being received */
  constructor(clock: Clock, underway: () => number) {
    this.#clock = clock
    this.#underway = underway
  }

  /** @returns when enough have come, or it has waited long enough; undefined where nobody is worth waiting for */
  gather(waiting: number): Promise<void> | undefined {
    if (waiting >= enough || !this.#isNear) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(gatherMs, resolve)
    this.#gathered = () => {
      timer.cancel()
      resolve()
    }
    return promise
  }

  /** Many messages are being received, or some where they follow close on each other. Who sends alone never waits. */
  get #isNear(): boolean {
    const underway = this.#underway()
    return underway >= enough || (underway > 0 && this.#apartMs <= denseMs)
  }

  /** One more waits. @param waiting with it */
  joined(waiting: number): void {
    if (waiting >= enough) this.go()
  }

  /** Nobody is waited for any longer. */
  go(): void {
    this.#gathered?.()
  }

  /** A batch goes out. @param nowMs by the monotonic clock */
  gone(records: number, nowMs: number): void {
    const passedMs = nowMs - this.#lastMs
    // Of what comes within one instant nobody knows how close the next one is.
    this.#apartMs = passedMs > 0 ? passedMs / records : Infinity
    this.#lastMs = nowMs
  }
}
