/** How many faults each entry had lately, from counters that only rise: what they were at marks, the oldest an hour ago. */
import type { EntryNumbers } from '../../admin/schemas/chain.ts'

const windowMs = 3_600_000
export const markEveryMs = 5 * 60_000

interface Mark {
  readonly at: number
  readonly faults: ReadonlyMap<string, number>
}

export class RecentFaults {
  /** Oldest first; no more than there are in the window, and one before it. */
  readonly #marks: Mark[] = []

  /**
   * Adds `recentFaults` to the numbers.
   * @param now monotonic milliseconds
   * @param age of the gateway: what it counted before the first look is recent, too, while it is young
   */
  within(
    entries: ReadonlyMap<string, EntryNumbers>,
    now: number,
    age = Infinity,
  ): Map<string, EntryNumbers> {
    const faults = new Map([...entries].map(([name, numbers]) => [name, numbers.faults]))
    const last = this.#marks.at(-1)
    // The gateway was started anew: it counts from the beginning.
    if (last !== undefined && isBelow(faults, last.faults)) {
      this.#marks.splice(0, this.#marks.length, { at: last.at, faults: new Map() })
    }
    if (last === undefined && age < windowMs) this.#marks.push({ at: now - age, faults: new Map() })
    if (last === undefined || now - last.at >= markEveryMs) this.#marks.push({ at: now, faults })
    while ((this.#marks[1]?.at ?? Infinity) <= now - windowMs) this.#marks.shift()
    const before = this.#marks[0]?.faults
    return new Map(
      [...entries].map(([name, numbers]) => [
        name,
        { ...numbers, recentFaults: numbers.faults - (before?.get(name) ?? 0) },
      ]),
    )
  }
}

function isBelow(now: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): boolean {
  return [...before].some(([name, count]) => (now.get(name) ?? 0) < count)
}
