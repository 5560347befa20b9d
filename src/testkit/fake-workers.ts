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

/** @param answer what a worker says at once to what it is told */
export function fakeWorkers<Sent, Heard>(
  answer: (message: Sent, pid: number) => Heard | undefined = () => undefined,
): FakeWorkers<Sent, Heard> {
  const started: PlayedWorker<Sent, Heard>[] = []
  return {
    started,
    start() {
      const worker = new PlayedWorker<Sent, Heard>(started.length + 1, answer)
      started.push(worker)
      return worker
    },
  }
}

class PlayedWorker<Sent, Heard> implements WorkerProcess<Sent, Heard>, FakeWorker<Sent, Heard> {
  readonly pid: number
  readonly told: Sent[] = []
  alive = true
  readonly #answer: (message: Sent, pid: number) => Heard | undefined
  #handlers: WorkerHandlers<Heard> | undefined

  constructor(pid: number, answer: (message: Sent, pid: number) => Heard | undefined) {
    this.pid = pid
    this.#answer = answer
  }

  send(message: Sent): void {
    if (!this.alive) return
    this.told.push(message)
    const answer = this.#answer(message, this.pid)
    if (answer !== undefined) this.say(answer)
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
