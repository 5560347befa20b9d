import { formatTai64n } from './tai64n.ts'

/** Labels that only grow, whatever the clock does: lines of one moment keep their order. */
export class Tai64nLabels {
  #ms = 0
  #nanoseconds = 0

  /** @param epochMs what the clock says */
  at(epochMs: number): string {
    if (epochMs > this.#ms) {
      this.#ms = epochMs
      this.#nanoseconds = 0
    } else if (this.#nanoseconds < 999_900) {
      this.#nanoseconds += 100
    } else {
      this.#ms += 1
      this.#nanoseconds = 0
    }
    return formatTai64n(this.#ms, this.#nanoseconds)
  }
}
