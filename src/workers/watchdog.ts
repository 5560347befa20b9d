/** Ends workers that hang: nobody else would, and the kernel goes on giving them clients. */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { WorkerSlot } from './worker-slot.ts'

const pingMs = 10_000
/** Pings, not time: a supervisor that was stopped itself must not blame the workers. */
const mostUnanswered = 6

export class Watchdog {
  readonly #slots: readonly WorkerSlot[]
  readonly #doors: { readonly clock: Clock; readonly log: Log }
  #ping: Timer | undefined

  constructor(slots: readonly WorkerSlot[], doors: { readonly clock: Clock; readonly log: Log }) {
    this.#slots = slots
    this.#doors = doors
  }

  watch(): void {
    const { clock, log } = this.#doors
    this.#ping = clock.after(pingMs, () => {
      for (const slot of this.#slots) {
        if (slot.process === undefined || slot.openedAt === undefined) continue
        if (++slot.unanswered > mostUnanswered) {
          log.error('worker.hangs', { worker: slot.number, pid: slot.process.pid })
          slot.process.kill()
        } else {
          slot.process.send({ say: 'ping' })
        }
      }
      this.watch()
    })
  }

  end(): void {
    this.#ping?.cancel()
  }
}
