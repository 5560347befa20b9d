/** Workers as processes of Node: a file of ours run by the same Node, with a channel; they write where we write. */
import { fork, type ChildProcess, type SendHandle } from 'node:child_process'
import { fstatSync } from 'node:fs'
import process from 'node:process'
import { errorMessage } from '../../mail/errors.ts'
import type { HandedListener } from '../net.ts'
import type {
  SupervisorChannel,
  WorkerHandlers,
  WorkerProcess,
  WorkerProcesses,
} from '../workers.ts'
import { NodeHandedListener } from './handed-listener.ts'

/** Whose processes they become: user id and group id alone, without any further group, and what they find in place of ours. */
export interface WorkerOwner {
  readonly uid: number
  readonly gid: number
  readonly environment: Readonly<Record<string, string>>
}

/**
 * @param program the file that each worker runs
 * @param descriptors beyond the standard ones, that keep their numbers in every worker; those of systemd's activation
 * do without being named
 * @param owner where they are not to be ours; only root may say it
 */
export function workerProcesses<Sent extends object, Heard>(
  program: URL,
  descriptors: readonly number[] = [],
  owner?: WorkerOwner,
): WorkerProcesses<Sent, Heard> {
  const sockets = socketsGiven()
  const env = {
    ...process.env,
    // Whose process it is cannot be known before it is started: the worker writes it down for itself.
    ...(sockets.length > 0 ? { LISTEN_PID: forWorkers } : {}),
    ...owner?.environment,
  }
  const as = owner === undefined ? {} : { uid: owner.uid, gid: owner.gid }
  const more = inheritance([...sockets, ...descriptors])
  return {
    start() {
      try {
        const stdio = ['ignore', 'inherit', 'inherit', ...more, 'ipc'] as const
        return new NodeWorker<Sent, Heard>(fork(program, { stdio: [...stdio], env, ...as }))
      } catch (error) {
        // Without memory for another process, for instance.
        return new UnstartedWorker<Heard>(errorMessage(error))
      }
    },
  }
}

class UnstartedWorker<Heard> implements WorkerProcess<unknown, Heard> {
  readonly pid = 0
  readonly #problem: string

  constructor(problem: string) {
    this.#problem = problem
  }

  send(): void {
    // There is nobody.
  }

  kill(): void {
    // There is nobody.
  }

  attach(handlers: WorkerHandlers<Heard>): void {
    setImmediate(() => handlers.ended(this.#problem))
  }
}

const forWorkers = 'workers'
const mostSockets = 100

/** From descriptor 3 on: those that are inherited by their number, and nothing where a number is skipped or not open. */
function inheritance(descriptors: readonly number[]): readonly (number | 'ignore')[] {
  const wanted = new Set(descriptors)
  const length = Math.max(0, Math.max(2, ...wanted) - 2)
  return Array.from({ length }, (_, index) =>
    wanted.has(3 + index) && isOpen(3 + index) ? 3 + index : 'ignore',
  )
}

/** One that is not would keep every worker from starting; so the listener that names it says what is wrong. */
function isOpen(descriptor: number): boolean {
  try {
    fstatSync(descriptor)
    return true
  } catch {
    return false
  }
}

/** The sockets of systemd's activation (sd_listen_fds(3)), which keep their numbers in every worker. */
export function socketsGiven(): readonly number[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = process.env
  if (pid !== String(process.pid)) return []
  const length = Math.min(mostSockets, Math.max(0, Number(count) || 0))
  return Array.from({ length }, (_, index) => 3 + index)
}

class NodeWorker<Sent extends object, Heard> implements WorkerProcess<Sent, Heard> {
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  send(message: Sent, listener?: HandedListener): void {
    // Whether it arrived is told by the end of the process, which somebody waits for anyhow.
    if (this.#child.connected) this.#child.send(message, handleOf(listener), () => undefined)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  attach(handlers: WorkerHandlers<Heard>): void {
    let over = false
    const end = (how: number | string): void => {
      if (over) return
      over = true
      handlers.ended(how)
    }
    this.#child.on('message', (message, handle) => {
      if (!over) handlers.heard(message as Heard, listenerOf(handle))
    })
    // `close` would wait for streams, of which there are none; after `exit` messages may still come.
    this.#child.on('exit', (code, signal) => setImmediate(() => end(code ?? signal ?? 1)))
    this.#child.on('error', (error) => {
      if (this.#child.pid === undefined) end(error.message)
    })
  }
}

/** Of a supervisor that goes while a listener is on its way to it Node never says so: it waits for the receipt. */
const lookMs = 500

/** Of this process, which `workerProcesses` has started. */
export function supervisorChannel<Sent extends object, Heard>(): SupervisorChannel<Sent, Heard> {
  if (process.env['LISTEN_PID'] === forWorkers) process.env['LISTEN_PID'] = String(process.pid)
  return {
    send(message, listener) {
      if (!process.connected) return
      process.send?.(message, handleOf(listener), undefined, () => undefined)
    },
    attach(handlers) {
      process.on('message', (message, handle: SendHandle | undefined) =>
        handlers.heard(message as Heard, listenerOf(handle)),
      )
      const closed = (): void => {
        clearInterval(looking)
        process.off('disconnect', closed)
        handlers.closed()
      }
      const look = (): void => {
        if (!process.connected) closed()
      }
      const looking = setInterval(look, lookMs).unref()
      process.on('disconnect', closed)
      look()
    },
  }
}

function handleOf(listener: HandedListener | undefined): SendHandle | undefined {
  return listener instanceof NodeHandedListener ? listener.handle : undefined
}

function listenerOf(handle: SendHandle | undefined): HandedListener | undefined {
  // Node says null where nothing came along.
  return handle ? new NodeHandedListener(handle) : undefined
}
