/**
 * Keeps the process of the administration: starts it, replaces it when it dies or hangs, ever later, and in the end gives it
 * up. Nothing that happens to it touches the workers.
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { WorkerEnd, WorkerProcess, WorkerProcesses } from '../runtime/workers.ts'
import type { AdminReport, FromAdmin, ToAdmin } from './admin-messages.ts'
import { RestartSchedule } from './restart-schedule.ts'

export interface AdminKeeperParts {
  /** The configuration folder. */
  readonly folder: string
  readonly processes: WorkerProcesses<ToAdmin, FromAdmin>
  readonly clock: Clock
  readonly log: Log
  /** Called each time it has opened. */
  readonly opened: (report: AdminReport) => void
  readonly reload: () => void
}

const pingMs = 15_000
/** Pings, not time: a supervisor that was stopped itself must not blame it. */
const mostUnanswered = 4
const stopMs = 5_000

export class AdminKeeper {
  readonly #parts: AdminKeeperParts
  readonly #schedule = new RestartSchedule()
  #process: WorkerProcess<ToAdmin, FromAdmin> | undefined
  /** Monotonic. */
  #openedAt: number | undefined
  #unanswered = 0
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

  start(): void {
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
    if (this.#process === undefined) return
    this.#stopping ??= Promise.withResolvers()
    this.#process.send({ say: 'stop' })
    const deadline = this.#parts.clock.after(stopMs, () => this.#process?.kill())
    await this.#stopping.promise
    deadline.cancel()
  }

  #hear(message: FromAdmin): void {
    const { clock, log, opened, reload } = this.#parts
    this.#unanswered = 0
    switch (message.say) {
      case 'opened':
        this.#openedAt = clock.monotonicMs()
        log.info('admin.opened', { url: message.report.url })
        return opened(message.report)
      case 'refused':
        return log.error('admin.not-opened', { problem: message.problem })
      case 'reload':
        return reload()
      case 'alive':
    }
  }

  #ended(how: WorkerEnd): void {
    const { clock, log } = this.#parts
    const livedMs = this.#openedAt === undefined ? 0 : clock.monotonicMs() - this.#openedAt
    this.#process = undefined
    this.#openedAt = undefined
    this.#ping?.cancel()
    if (this.#stopping !== undefined) return this.#stopping.resolve()
    const delayMs = this.#schedule.afterDeath(livedMs)
    log.error('admin.ended', { how, livedMs: Math.round(livedMs), delayMs })
    if (delayMs === undefined) log.error('admin.given-up', { alert: true })
    else this.#timer = clock.after(delayMs, () => this.start())
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
