/** How much a gateway that nobody trusts may have done at a time. A place is taken until nothing is left of what was started. */
import type { DelivererRequest } from './requests.ts'

/** So many of each kind at a time. */
export type DelivererPlaces = Readonly<Record<DelivererRequest['ask'], number>>

export class PlacesTaken {
  readonly #most: () => DelivererPlaces
  readonly #taken = new Map<DelivererRequest['ask'], number>()

  constructor(most: () => DelivererPlaces) {
    this.#most = most
  }

  /** @returns what gives it back; undefined where there is none left */
  take(kind: DelivererRequest['ask']): (() => void) | undefined {
    const taken = this.#taken.get(kind) ?? 0
    if (taken >= this.#most()[kind]) return undefined
    this.#taken.set(kind, taken + 1)
    return () => void this.#taken.set(kind, (this.#taken.get(kind) ?? 1) - 1)
  }
}
