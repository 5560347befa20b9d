/**
 * What one of several workers may keep of limits that are for all of them: what the others leave, and its even part at
 * least. Each writes down what it keeps after going through its spool. Of whom nothing is known lately is taken to keep
 * nothing: for an hour too much is kept rather than something let go too early.
 */
import type { JsonValue } from '../mail/json.ts'
import type { Instant } from '../mail/instant.ts'
import type { StoreTable } from '../runtime/store.ts'
import type { RetentionLimits } from './retention.ts'

/** Which of how many workers. */
export interface KeepingSeat {
  readonly number: number
  readonly workers: number
}

interface Keeping {
  readonly bytes: number
  readonly messages: number
}

/** Longer than two rounds through the spool. */
const believedMs = 3 * 3_600_000

export class Allowance {
  readonly #memory: Pick<StoreTable, 'get' | 'put'>
  readonly #seat: KeepingSeat

  constructor(memory: Pick<StoreTable, 'get' | 'put'>, seat: KeepingSeat) {
    this.#memory = memory
    this.#seat = seat
  }

  /** @param limits of all workers together */
  async of(limits: RetentionLimits, now: Instant): Promise<RetentionLimits> {
    const { workers } = this.#seat
    const { maxBytes, maxMessages } = limits
    if (workers === 1 || (maxBytes === undefined && maxMessages === undefined)) return limits
    const others = await this.#others(now)
    const left = (limit: number, kept: number): number => Math.max(limit / workers, limit - kept)
    return {
      ...limits,
      ...(maxBytes === undefined
        ? {}
        : { maxBytes: left(maxBytes, others.bytes), largestBytes: maxBytes }),
      ...(maxMessages === undefined
        ? {}
        : { maxMessages: Math.ceil(left(maxMessages, others.messages)) }),
    }
  }

  /** Tells the others; where that fails they hear it the next time. */
  async keeps({ bytes, messages }: Keeping, now: Instant): Promise<void> {
    const { number, workers } = this.#seat
    if (workers === 1) return
    await this.#memory.put(keyOf(number), [bytes, messages, now]).catch(() => undefined)
  }

  async #others(now: Instant): Promise<Keeping> {
    let bytes = 0
    let messages = 0
    for (let number = 1; number <= this.#seat.workers; number++) {
      const told = number === this.#seat.number ? undefined : await this.#told(number)
      if (told === undefined || now - told.at > believedMs) continue
      bytes += told.bytes
      messages += told.messages
    }
    return { bytes, messages }
  }

  async #told(number: number): Promise<(Keeping & { readonly at: Instant }) | undefined> {
    const value = await this.#memory.get(keyOf(number)).catch(() => undefined)
    const [bytes, messages, at] = Array.isArray(value) ? value.filter(isNumber) : []
    if (bytes === undefined || messages === undefined || at === undefined) return undefined
    return { bytes, messages, at }
  }
}

function isNumber(value: JsonValue): value is number {
  return typeof value === 'number'
}

function keyOf(number: number): string {
  return `kept-by-${number}`
}
