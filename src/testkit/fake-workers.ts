/** Worker processes that a test plays: it hears what they are told, speaks for them, and ends them. */
import type {
  WorkerEnd,
  WorkerHandlers,
  WorkerProcess,
  WorkerProcesses,
} from '../runtime/workers.ts'

export interface FakeWorker<Sent, Heard> {
  /** What it was told, in order. */
  readonly told: readonly Sent[]
  readonly alive: boolean
  say(message: Heard): void
  end(how: WorkerEnd): void
}

export interface FakeWorkers<Sent, Heard> extends WorkerProcesses<Sent, Heard> {
  /** Every one that was ever started, in order. */
  readonly started: readonly FakeWorker<Sent, Heard>[]
}

export function fakeWorkers<Sent, Heard>(): FakeWorkers<Sent, Heard> {
  const started: PlayedWorker<Sent, Heard>[] = []
  return {
    started,
    start() {
      const worker = new PlayedWorker<Sent, Heard>(started.length + 1)
      started.push(worker)
      return worker
    },
  }
}

class PlayedWorker<Sent, Heard> implements WorkerProcess<Sent, Heard>, FakeWorker<Sent, Heard> {
  readonly pid: number
  readonly told: Sent[] = []
  alive = true
  #handlers: WorkerHandlers<Heard> | undefined

  constructor(pid: number) {
    this.pid = pid
  }

  send(message: Sent): void {
    if (this.alive) this.told.push(message)
  }

  kill(): void {
    setImmediate(() => this.end('SIGKILL'))
  }

  attach(handlers: WorkerHandlers<Heard>): void {
    this.#handlers = handlers
  }

  say(message: Heard): void {
    this.#handlers?.heard(message)
  }

  end(how: WorkerEnd): void {
    if (!this.alive) return
    this.alive = false
    this.#handlers?.ended(how)
  }
}
