import type { Instant } from '../mail/instant.ts'
import type { Clock } from '../runtime/clock.ts'
import type { MessageRecord } from './message-record.ts'
import type { QueueId, Unsubscribe } from './queue.ts'
import { queueId } from './queue-id.ts'

/** Tells those who listen that something is due, or was quarantined: from the event loop, never inside the call that made it so. */
export class Announcer {
  readonly #clock: Pick<Clock, 'now'>
  readonly #nextDueAt: () => Instant | undefined
  readonly #couriers = new Set<() => void>()
  readonly #wardens = new Set<(ids: readonly QueueId[]) => void>()
  #announced = false

  constructor(clock: Pick<Clock, 'now'>, nextDueAt: () => Instant | undefined) {
    this.#clock = clock
    this.#nextDueAt = nextDueAt
  }

  onDue(listener: () => void): Unsubscribe {
    this.#couriers.add(listener)
    return () => void this.#couriers.delete(listener)
  }

  onQuarantined(listener: (ids: readonly QueueId[]) => void): Unsubscribe {
    this.#wardens.add(listener)
    return () => void this.#wardens.delete(listener)
  }

  /** Something may be due: said once for all that one turn of the event loop brings. */
  due(): void {
    if (this.#announced || this.#couriers.size === 0) return
    this.#announced = true
    setImmediate(() => {
      this.#announced = false
      const next = this.#nextDueAt()
      if (next === undefined || next > this.#clock.now()) return
      for (const listener of this.#couriers) listener()
    })
  }

  placed(placements: MessageRecord['meta']['placements']): void {
    const ids = placements.flatMap(({ number, grounds }) =>
      grounds === undefined ? [] : [queueId(number)],
    )
    if (ids.length === 0) return
    setImmediate(() => {
      for (const warden of this.#wardens) warden(ids)
    })
  }
}
