/** Who was sent away from lanes in which too many waited, as far as that is remembered, and who of them is called back. */
import { lengthOf, type Lane } from './lane.ts'

/** Those sent away are called back where so few wait, so many at a time; so many are remembered in all lanes. */
const fewWaiting = 500
const calledAtOnce = 1_000
const maxAway = 50_000

export class SentAway {
  readonly #lanes = new Set<Lane>()
  #count = 0

  get isEmpty(): boolean {
    return this.#lanes.size === 0
  }

  remember(lane: Lane, id: string): void {
    if (this.#count >= maxAway) return
    lane.away.push(id)
    this.#lanes.add(lane)
    this.#count++
  }

  /** @returns those to be called back now, who are forgotten by it */
  called(): readonly string[] {
    const called: string[] = []
    for (const lane of this.#lanes) {
      if (called.length >= calledAtOnce) break
      if (lengthOf(lane) > fewWaiting) continue
      const ids = lane.away.splice(0, calledAtOnce - called.length)
      called.push(...ids)
      // Those of others are called before its next ones.
      this.#lanes.delete(lane)
      if (lane.away.length === 0) lane.sentUntil = 0
      else this.#lanes.add(lane)
    }
    this.#count -= called.length
    return called
  }
}
