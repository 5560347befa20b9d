import type { Instant } from '../mail/instant.ts'
import { timeKey, type TraceTables } from './trace-tables.ts'

export const attemptOutcomes = ['deferred', 'delivered', 'failed', 'released', 'deleted'] as const

/** One try to deliver to one recipient, as the courier tells it; or that a message left the quarantine. */
export type Attempt = {
  readonly queueId: string
  readonly recipient: string
  /** The route's key. */
  readonly route: string
  readonly outcome: (typeof attemptOutcomes)[number]
  readonly status: string
  readonly text: string
  readonly startedAt: Instant
  readonly durationMs: number
}

/** Adds what the courier did to the explanation of a message; never awaited, dropped under overload. */
export class AttemptRecorder {
  readonly #tables: TraceTables
  #count = 0

  constructor(tables: TraceTables) {
    this.#tables = tables
  }

  record(attempt: Attempt): void {
    this.#count = (this.#count + 1) % 46_656
    const key = `${attemptsOf(attempt.queueId)}${timeKey(attempt.startedAt)}${this.#count.toString(36).padStart(3, '0')}`
    this.#tables.attempts.putLater(key, { ...attempt, text: attempt.text.slice(0, 1000) })
  }
}

/** What the keys of a message's attempts begin with. */
export function attemptsOf(queueId: string): string {
  return `${queueId}:`
}
