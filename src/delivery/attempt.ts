import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Instant } from '../mail/instant.ts'
import type { Route } from '../mail/route.ts'
import type { Entry } from '../queue/queue.ts'

/** One try for one recipient, and what came of it. */
export interface Attempt {
  readonly queueId: string
  readonly recipient: Recipient
  /** The key of the route; absent where no route was found. */
  readonly routeKey?: string
  /** What carried it, or would have; absent where no route was found. */
  readonly transport?: Route['transport']
  readonly result: DeliveryResult
  readonly startedAt: Instant
  readonly durationMs: number
  /** When it is tried again, if it was deferred. */
  readonly retryAt?: Instant
}

/** Told of every attempt; decides nothing, must not throw. */
export interface AttemptObserver {
  attempted(attempt: Attempt, entry: Pick<Entry, 'envelope' | 'receivedAt'>): void
}
