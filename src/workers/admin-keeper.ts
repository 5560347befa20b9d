/**
 * Keeps the process of the administration: starts it, replaces it when it dies or hangs, ever later, and another time when its
 * settings have changed. Nothing that happens to it touches the workers.
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { WorkerEnd, WorkerProcess, WorkerProcesses } from '../runtime/workers.ts'
import type { AdminReport, FromAdmin, ToAdmin } from './admin-messages.ts'
import { RestartSchedule } from './restart-schedule.ts'

export interface AdminKeeperParts {
  /** The configuration folder. */
  readonly folder: string
  /** As they are configured now. */
  readonly settings: () => AdminWish
  readonly processes: WorkerProcesses<ToAdmin, FromAdmin>
  readonly clock: Clock
  readonly log: Log
  /** Called each time it has opened. */
  readonly opened: (report: AdminReport) => void
}

/** `unknown`: the configuration cannot be read; what there is stays. */
export type AdminWish =
  | { readonly wants: 'off' | 'unknown' }
  /** `settings`: the same for the same. */
  | { readonly wants: 'on'; readonly settings: string }

/** An operator who mends it should not have to wait long; who does not should not drown in the log. */
const bounds = { longestDelayMs: 120_000, mostShortLives: Infinity }
/** In a row: something is wrong that does not go by itself. */
const worrying = 10
const pingMs = 15_000
/** Pings, not time: a supervisor that was stopped itself must not blame it. */
const mostUnanswered = 4
const stopMs = 5_000

export class AdminKeeper {
  readonly #parts: AdminKeeperParts
  #schedule = new RestartSchedule(bounds)
  /** What the process that there is, or that is to be, was started with; undefined: there is to be none. */
  #settings: string | undefined
  #process: WorkerProcess<ToAdmin, FromAdmin> | undefined
  /** Monotonic. */
  #openedAt: number | undefined
  #unanswered = 0
  /** The process was told to go. */
  #isAsked = false
  #deadline: Timer | undefined
  #timer: Timer | undefined
  #ping: Timer | undefined
  #stopping: PromiseWithResolvers<void> | undefined

  constructor(parts: AdminKeeperParts) {
    this.#parts = parts
  }

  /** Of the process that there is now. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Where it is wanted. */
  start(): void {
    const wish = this.#parts.settings()
    this.#settings = wish.wants === 'on' ? wish.settings : undefined
    if (this.#settings !== undefined) this.#begin()
  }

  /** Another configuration is in force: what has changed for it takes another process, or none. */
  reconfigured(): void {
    const wish = this.#parts.settings()
    if (this.#stopping !== undefined || wish.wants === 'unknown') return
    const settings = wish.wants === 'on' ? wish.settings : undefined
    if (settings === this.#settings) return
    this.#settings = settings
    this.#schedule = new RestartSchedule(bounds)
    this.#timer?.cancel()
    this.#parts.log.info('admin.changed', { on: settings !== undefined })
    if (this.#process !== undefined) this.#ask(this.#process)
    else if (settings !== undefined) this.#begin()
  }

  #begin(): void {
    const { processes, folder, clock } = this.#parts
    const process = processes.start()
    this.#process = process
    this.#unanswered = 0
    process.attach({
      heard: (message) => this.#hear(message),
      ended: (how) => this.#ended(how),
    })
    process.send({ say: 'open', folder, startedAt: clock.now() })
    this.#watch()
  }

  /** Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#ping?.cancel()
    this.#settings = undefined
    this.#stopping ??= Promise.withResolvers()
    if (this.#process === undefined) return
    this.#ask(this.#process)
    await this.#stopping.promise
  }

  /** To go, within its time. */
  #ask(process: WorkerProcess<ToAdmin, FromAdmin>): void {
    this.#isAsked = true
    process.send({ say: 'stop' })
    this.#deadline?.cancel()
    this.#deadline = this.#parts.clock.after(stopMs, () => process.kill())
  }

  #hear(message: FromAdmin): void {
    const { clock, log, opened } = this.#parts
    this.#unanswered = 0
    switch (message.say) {
      case 'opened':
        this.#openedAt = clock.monotonicMs()
        log.info('admin.opened', { url: message.report.url })
        return opened(message.report)
      case 'refused':
        return log.error('admin.not-opened', { problem: message.problem })
      case 'alive':
    }
  }

  #ended(how: WorkerEnd): void {
    const { clock, log } = this.#parts
    const livedMs = this.#openedAt === undefined ? 0 : clock.monotonicMs() - this.#openedAt
    this.#process = undefined
    this.#openedAt = undefined
    this.#ping?.cancel()
    this.#deadline?.cancel()
    if (this.#stopping !== undefined) return this.#stopping.resolve()
    if (this.#isAsked) {
      this.#isAsked = false
      if (this.#settings !== undefined) this.#begin()
      return
    }
    const delayMs = this.#schedule.afterDeath(livedMs)
    const { shortLives } = this.#schedule
    const worry = shortLives === worrying ? { alert: true } : {}
    log.error('admin.ended', { ...worry, how, livedMs: Math.round(livedMs), delayMs })
    if (delayMs !== undefined) this.#timer = clock.after(delayMs, () => this.#begin())
  }

  #watch(): void {
    const { clock, log } = this.#parts
    this.#ping = clock.after(pingMs, () => {
      if (this.#process === undefined) return
      if (++this.#unanswered > mostUnanswered) {
        log.error('admin.hangs', { pid: this.#process.pid })
        return this.#process.kill()
      }
      this.#process.send({ say: 'ping' })
      this.#watch()
    })
  }
}
