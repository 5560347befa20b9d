/**
 * What is left of `postern start` under root: it starts the deliverer, then the gateway under the gateway's own account,
 * and waits. It reads no mail, opens no file of the gateway's, and hears from nobody but the operator's signals and its two
 * processes. The gateway's end is its own; a deliverer that ends or hangs is replaced, and mail to users waits meanwhile.
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { WorkerEnd, WorkerProcess, WorkerProcesses } from '../runtime/workers.ts'
import type { FromDeliverer, KeptSignal, ToDeliverer, ToGateway } from './keeper-messages.ts'
import { RestartSchedule } from './restart-schedule.ts'

export interface KeeperParts {
  /** The configuration folder. */
  readonly folder: string
  /** The deliverer's. */
  readonly socket: string
  /** The gateway's. */
  readonly group: number
  readonly deliverers: WorkerProcesses<ToDeliverer, FromDeliverer>
  readonly clock: Clock
}

/** Without a deliverer mail waits for ever: it is never given up. */
const longestDelayMs = 30_000
const pingMs = 15_000
/** Pings, not time: a keeper that was stopped itself must not blame it. */
const mostUnanswered = 4
const stopMs = 10_000

type Gateway = WorkerProcess<ToGateway, never>
type DelivererProcess = WorkerProcess<ToDeliverer, FromDeliverer>

export class Keeper {
  readonly #parts: KeeperParts
  readonly #schedule = new RestartSchedule()
  #deliverer: DelivererProcess | undefined
  /** Monotonic. */
  #openedAt: number | undefined
  #unanswered = 0
  #timer: Timer | undefined
  #gateway: Gateway | undefined
  /** That came before there was a gateway. */
  readonly #early: KeptSignal[] = []
  #stopping: PromiseWithResolvers<void> | undefined
  /** What the first deliverer says first. */
  readonly #first = Promise.withResolvers<string | undefined>()

  constructor(parts: KeeperParts) {
    this.#parts = parts
  }

  /** Starts the deliverer. @returns why there can be none */
  open(): Promise<string | undefined> {
    this.#startDeliverer()
    return this.#first.promise
  }

  /** Starts the gateway. @returns its exit code, once it has ended */
  keep(gateways: WorkerProcesses<ToGateway, never>): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>()
    const gateway = gateways.start()
    gateway.attach({
      heard: () => undefined,
      ended: (how) => resolve(typeof how === 'number' ? how : 1),
    })
    this.#gateway = gateway
    gateway.send({ say: 'open', folder: this.#parts.folder })
    for (const signal of this.#early.splice(0)) this.pass(signal)
    // It may have ended since it was open.
    if (this.#deliverer === undefined) this.#startDeliverer()
    return promise
  }

  /** Passes on what the operator wants of the gateway. */
  pass(signal: KeptSignal): void {
    if (this.#gateway === undefined) this.#early.push(signal)
    else this.#gateway.send({ say: 'signal', signal })
  }

  /** Ends the deliverer; to be called when the gateway is gone. */
  async stop(): Promise<void> {
    this.#stopping ??= Promise.withResolvers()
    this.#timer?.cancel()
    if (this.#deliverer === undefined) return
    this.#deliverer.send({ say: 'stop' })
    const deadline = this.#parts.clock.after(stopMs, () => this.#deliverer?.kill())
    await this.#stopping.promise
    deadline.cancel()
  }

  #startDeliverer(): void {
    const { deliverers, folder, socket, group } = this.#parts
    const process = deliverers.start()
    this.#deliverer = process
    this.#unanswered = 0
    process.attach({
      heard: (message) => this.#hear(message),
      ended: (how) => this.#ended(how),
    })
    process.send({ say: 'open', folder, socket, group })
    this.#watch()
  }

  #hear(message: FromDeliverer): void {
    this.#unanswered = 0
    switch (message.say) {
      case 'opened':
        this.#openedAt = this.#parts.clock.monotonicMs()
        this.#first.resolve(undefined)
        return this.#gateway?.send({ say: 'deliverer-opened' })
      case 'refused':
        return this.#first.resolve(message.problem)
      case 'alive':
    }
  }

  #ended(how: WorkerEnd): void {
    const { clock } = this.#parts
    const livedMs = this.#openedAt === undefined ? 0 : clock.monotonicMs() - this.#openedAt
    this.#deliverer = undefined
    this.#openedAt = undefined
    this.#timer?.cancel()
    if (this.#stopping !== undefined) return this.#stopping.resolve()
    this.#first.resolve(`it ended (${how}) before it was open`)
    // Nobody to deliver for: whoever waits for the first word gives up.
    if (this.#gateway === undefined) return
    const delayMs = this.#schedule.afterDeath(livedMs) ?? longestDelayMs
    const lived = Math.round(livedMs)
    this.#gateway.send({ say: 'deliverer-ended', how, livedMs: lived, delayMs })
    this.#timer = clock.after(delayMs, () => this.#startDeliverer())
  }

  #watch(): void {
    this.#timer = this.#parts.clock.after(pingMs, () => {
      if (++this.#unanswered > mostUnanswered) return this.#deliverer?.kill()
      this.#deliverer?.send({ say: 'ping' })
      this.#watch()
    })
  }
}
