/**
 * The breakers of one entry: one, or one for each thing that environments have it ask, so that a program that is broken keeps
 * nobody from his mail whom another serves.
 */
import { Breaker, breakerLimits, type BreakerLimits, type BreakerState } from './breaker.ts'

/** Rules name few programs; of those that nobody has asked for longest the oldest is forgotten. */
const mostKept = 256

export class Breakers<Options> {
  readonly #nameOf: ((options: Options) => string) | undefined
  readonly #limits: BreakerLimits
  readonly #usual: Breaker
  readonly #named = new Map<string, Breaker>()

  /** @param nameOf what a question with these options depends on; absent where it is always the same */
  constructor(nameOf?: (options: Options) => string, limits: BreakerLimits = breakerLimits) {
    this.#nameOf = nameOf
    this.#limits = limits
    this.#usual = new Breaker(limits)
  }

  /** That of a question with these options. */
  of(options: Options): Breaker {
    const name = this.#nameIn(options)
    if (name === undefined) return this.#usual
    const known = this.#named.get(name) ?? new Breaker(this.#limits)
    this.#named.delete(name)
    this.#named.set(name, known)
    const [oldest] = this.#named.keys()
    if (oldest !== undefined && this.#named.size > mostKept) this.#named.delete(oldest)
    return known
  }

  /** A plugin that fails to say it fails the question too, if that matters: there a fault is dealt with. */
  #nameIn(options: Options): string | undefined {
    try {
      return this.#nameOf?.(options)
    } catch {
      return undefined
    }
  }

  /** Closed where all of them are, else that of one that is not. */
  get state(): BreakerState {
    if (this.#usual.state !== 'closed') return this.#usual.state
    for (const { state } of this.#named.values()) if (state !== 'closed') return state
    return 'closed'
  }
}
