/** A worker's place: who sits in it, and what it leaves to whoever comes next. */
import type { Timer } from '../runtime/clock.ts'
import type { HandedListener } from '../runtime/net.ts'
import type { WorkerProcess } from '../runtime/workers.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { RestartSchedule } from './restart-schedule.ts'

export type Worker = WorkerProcess<ToWorker, FromWorker>

export class WorkerSlot {
  readonly number: number
  readonly shards: [number, ...number[]]
  readonly schedule = new RestartSchedule()
  process: Worker | undefined
  /** Monotonic; undefined while it is not open. */
  openedAt: number | undefined
  /** It has been open once, and is to be again. */
  wanted = false
  /** Whoever sits here does what one worker does for all. */
  leads = false
  unanswered = 0
  restart: Timer | undefined
  /** It was given its time to go, and killed when that was over: what it had in hand is not to blame. */
  overdue = false
  /** Settled when what its last crash was about is written down. */
  counted: Promise<void> = Promise.resolve()
  /** Called when the one that has been asked to go is gone. */
  left: (() => void) | undefined
  /** Listening sockets by their addresses: clients wait there while nobody accepts. */
  readonly #listeners = new Map<string, HandedListener>()

  constructor(number: number, [own, ...others]: readonly [number, ...number[]]) {
    this.number = number
    this.shards = [own, ...others]
  }

  /** Where the worker is in its life. */
  get state(): 'open' | 'starting' | 'waiting' | 'given-up' {
    if (this.openedAt !== undefined) return 'open'
    if (this.process !== undefined) return 'starting'
    return this.wanted ? 'waiting' : 'given-up'
  }

  keep(address: string, listener: HandedListener): void {
    this.#listeners.get(address)?.close()
    this.#listeners.set(address, listener)
  }

  /** Gives them to whoever is to listen on them next. */
  handTo(process: Worker): void {
    for (const [address, listener] of this.#listeners) {
      process.send({ say: 'listener', address }, listener)
    }
  }

  /** Nobody is to wait any more at the others. */
  keepOnly(addresses: ReadonlySet<string>): void {
    for (const [address, listener] of this.#listeners) {
      if (addresses.has(address)) continue
      this.#listeners.delete(address)
      listener.close()
    }
  }
}
