/**
 * Keeps file descriptors back for the mail that is already in: spool, Maildirs and DNS need them more than the next
 * client does. Asked with each connection, it counts rarely. When they run short it says so once, and for a second
 * at a time nobody is let in; without it the system closes connections in silence, and commits fail.
 */
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { HostProcess } from '../runtime/process.ts'

/** The least that is kept back, the most, and in between which part of what there is. */
const leastReserve = 32
const mostReserve = 256
const reservePart = 1 / 10

/** After so long it is counted again: others open files too. */
const countAgainMs = 5_000
/** While they are short. */
const backOffMs = 1_000

export interface DescriptorReserveParts {
  readonly process: Pick<HostProcess, 'descriptors'>
  readonly clock: Clock
  readonly log: Log
  /** The listener's name. */
  readonly listener: string
}

export class DescriptorReserve {
  readonly #parts: DescriptorReserveParts
  #short = false
  /** Connections that may come before it is counted again. */
  #trusted = 0
  #countAgainAtMs = 0

  constructor(parts: DescriptorReserveParts) {
    this.#parts = parts
  }

  /** Whether there is a descriptor for one more connection, which is taken as opened. */
  spare(): boolean {
    const nowMs = this.#parts.clock.monotonicMs()
    if (this.#short ? nowMs >= this.#countAgainAtMs : this.#isStale(nowMs)) this.#count(nowMs)
    this.#trusted -= 1
    return !this.#short
  }

  #isStale(nowMs: number): boolean {
    return this.#trusted <= 0 || nowMs >= this.#countAgainAtMs
  }

  #count(nowMs: number): void {
    const { process, log, listener } = this.#parts
    const counted = process.descriptors()
    if (counted === undefined) {
      this.#trusted = Number.POSITIVE_INFINITY
      this.#countAgainAtMs = Number.POSITIVE_INFINITY
      return
    }
    const { open, limit } = counted
    const reserve = Math.max(leastReserve, Math.min(mostReserve, Math.floor(limit * reservePart)))
    const left = limit - reserve - open
    const short = left <= 0
    if (short !== this.#short) {
      const fields = { listener, open, limit, reserve }
      if (short) log.error('accept.out-of-descriptors', fields)
      else log.info('accept.resumed', fields)
    }
    this.#short = short
    this.#trusted = Math.ceil(left / 2)
    this.#countAgainAtMs = nowMs + (short ? backOffMs : countAgainMs)
  }
}
