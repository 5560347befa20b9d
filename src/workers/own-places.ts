/**
 * Places for connections in a worker of several. Up to its share of a limit a worker takes them by itself: all shares
 * together are no more than the limit. Where one wants more, all of them declare what they hold of that key and ask for
 * each from then on, until nobody holds any. So the limit is exact, and a client of whom there are few costs no message.
 */
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Counters } from '../runtime/counters.ts'

export type Places = Pick<Counters, 'take' | 'give'>

/** The way to the supervisor. What is said by it arrives in the order in which it was said. */
export interface PlacesChannel {
  claim(key: string, limit: number): Promise<boolean>
  give(key: string): void
  declare(key: string, count: number): void
}

export class OwnPlaces {
  readonly #channel: PlacesChannel
  /** Taken without a word to anybody. */
  readonly #own = new Map<string, number>()
  /** What the supervisor counts, for all. */
  readonly #watched = new Set<string>()

  constructor(channel: PlacesChannel) {
    this.#channel = channel
  }

  /** @param workers how many there are, at most */
  among(workers: number): Places {
    return {
      take: (key, limit) => this.#take(key, { limit, share: Math.floor(limit / workers) }),
      give: (key) => this.#give(key),
    }
  }

  /** The supervisor wants to know, and to be asked from now on. */
  declare(key: string): void {
    this.#watched.add(key)
    this.#channel.declare(key, this.#own.get(key) ?? 0)
    this.#own.delete(key)
  }

  /** To be asked for from the first one on. */
  watch(key: string): void {
    this.#watched.add(key)
  }

  /** Nobody holds any. */
  free(key: string): void {
    this.#watched.delete(key)
  }

  #take(
    key: string,
    { limit, share }: { readonly limit: number; readonly share: number },
  ): MaybePromise<boolean> {
    const own = this.#own.get(key) ?? 0
    if (this.#watched.has(key) || own >= share) return this.#channel.claim(key, limit)
    this.#own.set(key, own + 1)
    return true
  }

  /** Its own first: what it has beside them it has declared, or asked for. */
  #give(key: string): void {
    const own = this.#own.get(key) ?? 0
    if (own === 0) this.#channel.give(key)
    else if (own === 1) this.#own.delete(key)
    else this.#own.set(key, own - 1)
  }
}
