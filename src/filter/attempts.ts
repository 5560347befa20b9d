import type { Instant } from '../mail/instant.ts'
import type { Archive } from '../runtime/archive.ts'

export const attemptOutcomes = [
  'deferred',
  'delivered',
  'failed',
  'told',
  'released',
  'deleted',
] as const

/**
 * One try to deliver to one recipient, as the courier tells it; or that somebody was told of it (`told`: by a bounce or another
 * notification, which is a message of its own), or that a message left the quarantine.
 */
export type Attempt = {
  readonly queueId: string
  readonly recipient: string
  /** Of the message, and when it came: missing where an operator did it. */
  readonly reversePath?: string
  readonly receivedAt?: Instant
  /** The route's key. */
  readonly route: string
  readonly outcome: (typeof attemptOutcomes)[number]
  readonly status: string
  readonly text: string
  /** Messages of ours that came of it: forwards, copies of an alias, the notification of who was told. */
  readonly ledTo?: readonly string[]
  readonly startedAt: Instant
  readonly durationMs: number
}

/** Adds what the courier did to the explanation of a message; never awaited, dropped under overload. */
export class AttemptRecorder {
  readonly #archive: Archive

  constructor(archive: Archive) {
    this.#archive = archive
  }

  record(attempt: Attempt): void {
    const { startedAt, receivedAt, ...told } = attempt
    const durationMs = Math.round(attempt.durationMs * 100) / 100
    const kept = { ...told, durationMs, text: attempt.text.slice(0, 1000) }
    // Apart: JSON.stringify writes an object without large numbers in half the time.
    const received = receivedAt === undefined ? '' : `"receivedAt":${receivedAt},`
    const json = (): string =>
      `{"startedAt":${startedAt},${received}${JSON.stringify(kept).slice(1)}`
    this.#archive.addLater(kept, { at: startedAt, counts: false, json })
  }
}
