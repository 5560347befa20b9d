/**
 * The program of a worker process: a gateway that does what its supervisor says, in the order in which it is said.
 * Signals are the supervisor's: a terminal or a service manager sends them to everybody. Without a supervisor it ends
 * at once; what it has promised is on the disk.
 */
import { openGateway } from './compose.ts'
import { errorStack } from './mail/errors.ts'
import type { Gateway } from './tools/gateway.ts'
import { systemClock } from './runtime/node/clock.ts'
import { keptByRoot, keptListeners } from './runtime/node/kept.ts'
import { listenKey } from './runtime/listen-key.ts'
import { hostProcess } from './runtime/node/process.ts'
import { supervisorChannel } from './runtime/node/workers.ts'
import { AskedCounters } from './workers/asked-counters.ts'
import { LeasedSlots } from './workers/leased-slots.ts'
import type { HandedListener } from './runtime/net.ts'
import { OwnPlaces } from './workers/own-places.ts'
import type {
  FromWorker,
  Seat,
  ToWorker,
  WorkerAnswer,
  WorkerQuestion,
} from './workers/messages.ts'

type AnsweredAtOnce =
  | 'counted'
  | 'declare'
  | 'watched'
  | 'free'
  | 'slots'
  | 'ping'
  | 'take-over'
  | 'listener'

/** What is obeyed one after the other; the rest is answered at once. */
type Order = Exclude<ToWorker, { say: AnsweredAtOnce }>

class GatewayWorker {
  readonly #supervisor = supervisorChannel<FromWorker, ToWorker>()
  readonly #counters = new AskedCounters(systemClock, (questions) =>
    this.#supervisor.send({ say: 'count', questions }),
  )
  readonly #places = new OwnPlaces(this.#counters)
  readonly #slots = new LeasedSlots(systemClock, (wanted) =>
    this.#supervisor.send({ say: 'slots', wanted }),
  )
  /** Undefined until it is open, and where the configuration does not allow one. */
  #gateway: Gateway | undefined
  #obeyed: Promise<void> = Promise.resolve()
  readonly #kept = keptByRoot()
  readonly #handed =
    this.#kept === undefined ? new Map<string, HandedListener>() : keptListeners(this.#kept)
  readonly #turn = Promise.withResolvers<void>()

  attach(): void {
    this.#supervisor.attach({
      heard: (message, listener) => {
        if (message.say === 'counted') this.#counters.answered(message.answers)
        else if (message.say === 'declare') this.#places.declare(message.key)
        else if (message.say === 'watched') this.#places.watch(message.key)
        else if (message.say === 'free') this.#places.free(message.key)
        else if (message.say === 'slots') this.#slots.granted(message.granted)
        else if (message.say === 'ping') this.#supervisor.send({ say: 'alive' })
        else if (message.say === 'take-over') this.#turn.resolve()
        else if (message.say === 'listener') {
          if (listener !== undefined) this.#handed.set(message.address, listener)
        } else this.#obeyed = this.#obeyed.then(() => this.#obey(message)).catch(died)
      },
      closed: () => process.exit(1),
    })
  }

  async #obey(order: Order): Promise<void> {
    switch (order.say) {
      case 'open':
        return this.#open(order.folder, order.seat)
      case 'beware':
        return this.#gateway?.beware(order.wariness)
      case 'adopt':
        return this.#gateway?.adopt(order.shard)
      case 'lead':
        return this.#gateway?.lead()
      case 'ask':
        return this.#answer(order.number, order.what)
      case 'admit':
        return this.#gateway?.admit(order.everybody)
      case 'stop':
        if (this.#gateway === undefined) return process.exit(1)
        await this.#gateway.close(order.graceMs)
        return process.exit(0)
    }
  }

  async #open(folder: string, seat: Seat): Promise<void> {
    const { gateway, mistakes, doubts } = await openGateway(folder, seat, {
      counters: seat.workers === 1 ? undefined : this.#counters,
      places: seat.workers === 1 ? undefined : this.#places.among(seat.workers),
      turns: seat.workers === 1 ? undefined : this.#counters.turns,
      slots: seat.workers === 1 ? undefined : this.#slots,
      handed: this.#handed,
      deliverer: this.#kept?.deliverer,
      offer: (address, listener) => this.#supervisor.send({ say: 'listener', address }, listener),
      turn: (addresses) => this.#awaitTurn(seat, addresses),
      reloaded: (report) => this.#supervisor.send({ say: 'reloaded', report }),
    })
    this.#gateway = gateway
    if (gateway === undefined) return this.#supervisor.send({ say: 'refused', mistakes, doubts })
    this.#closeUnused(gateway.listeners.map(({ address }) => listenKey(address)))
    const { hostname, maildirs, mx, spool, entries, ownCertificate } = gateway
    const listeners = gateway.listeners.map(({ name, address }) => ({ name, address }))
    const known = { hostname, spool, entries, listeners, ownCertificate }
    const report = { ...known, maildirs, mx, doubts }
    this.#supervisor.send({ say: 'opened', report })
  }

  /** Sockets of listeners that are no longer configured: clients would wait there for nobody. */
  #closeUnused(used: readonly string[]): void {
    for (const [address, listener] of this.#handed) {
      if (used.includes(address)) continue
      this.#handed.delete(address)
      listener.close()
    }
  }

  /** Whoever succeeds another waits until that one is gone. */
  async #awaitTurn({ succeeds }: Seat, addresses: readonly string[]): Promise<void> {
    if (succeeds !== true) return
    this.#supervisor.send({ say: 'prepared', addresses })
    await this.#turn.promise
    this.#closeUnused(addresses)
  }

  async #answer(number: number, what: WorkerQuestion): Promise<void> {
    const gateway = this.#gateway
    if (gateway === undefined) return
    const answer = await answerOf(gateway, what)
    this.#supervisor.send({ say: 'answered', number, answer })
  }
}

async function answerOf(gateway: Gateway, what: WorkerQuestion): Promise<WorkerAnswer> {
  switch (what) {
    case 'reload':
      return { what, report: await gateway.reload() }
    case 'retry':
      return { what, count: await gateway.retryNow() }
    case 'status':
      return { what, status: gateway.status() }
  }
}

/** A bug: the supervisor sees it by the end of the process. */
function died(error: unknown): void {
  process.stderr.write(`${errorStack(error)}\n`)
  process.exit(1)
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGALRM'] as const) {
  hostProcess.onSignal(signal, () => undefined)
}
new GatewayWorker().attach()
