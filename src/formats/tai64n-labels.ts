import { formatTai64n } from './tai64n.ts'

/** Of a label, what stays the same for a second. */
const prefixLength = 17

/** Labels that only grow, whatever the clock does: lines of one moment keep their order. */
export class Tai64nLabels {
  #ms = 0
  #nanoseconds = 0
  #prefixSecond = -1
  #prefix = ''

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
    const second = Math.floor(this.#ms / 1000)
    if (second !== this.#prefixSecond) {
      this.#prefixSecond = second
      this.#prefix = formatTai64n(second * 1000).slice(0, prefixLength)
    }
    const nanoseconds = (this.#ms - second * 1000) * 1_000_000 + this.#nanoseconds
    return this.#prefix + nanoseconds.toString(16).padStart(8, '0')
  }
}
