/** How many deliveries ended when: bars of equal width, which doubles where there would be too many of them. */

const mostBars = 240
const firstWidthSeconds = 60
/** What lies beyond is no time that a log was written at. */
const latestSeconds = 1e11

export type Results = { readonly [R in 'k' | 'd' | 'z']: number }

export interface Bar extends Results {
  /** Seconds since 1970. */
  readonly from: number
}

export class Timeline {
  #width = firstWidthSeconds
  #bars = new Map<number, { k: number; d: number; z: number }>()
  /** The first and the last place that has a bar. */
  #low = Infinity
  #high = -Infinity

  get widthSeconds(): number {
    return this.#width
  }

  /** @param at seconds since 1970 */
  add(at: number, result: keyof Results): void {
    if (!(at > 0 && at < latestSeconds)) return
    this.#bar(Math.floor(at / this.#width))[result] += 1
    while (this.#span() > mostBars) this.#double()
  }

  /** From the first to the last, those without deliveries among them. */
  bars(): readonly Bar[] {
    if (this.#bars.size === 0) return []
    return Array.from({ length: this.#span() }, (_, index) => {
      const bar = this.#bars.get(this.#low + index) ?? { k: 0, d: 0, z: 0 }
      return { from: (this.#low + index) * this.#width, ...bar }
    })
  }

  #bar(place: number): { k: number; d: number; z: number } {
    const found = this.#bars.get(place)
    if (found !== undefined) return found
    const made = { k: 0, d: 0, z: 0 }
    this.#bars.set(place, made)
    this.#low = Math.min(this.#low, place)
    this.#high = Math.max(this.#high, place)
    return made
  }

  #span(): number {
    return this.#high - this.#low + 1
  }

  #double(): void {
    const before = this.#bars
    this.#width *= 2
    this.#bars = new Map()
    this.#low = Infinity
    this.#high = -Infinity
    for (const [place, { k, d, z }] of before) {
      const bar = this.#bar(Math.floor(place / 2))
      bar.k += k
      bar.d += d
      bar.z += z
    }
  }
}
