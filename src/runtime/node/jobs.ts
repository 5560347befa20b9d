/** Jobs in a few threads, made when they are needed first and kept. */
import { availableParallelism } from 'node:os'
import { PosternError } from '../../mail/errors.ts'
import { abortable } from '../abortable.ts'
import type { Jobs } from '../jobs.ts'
import { JobThread, type JobThreadParts } from './job-thread.ts'

export interface JobsOptions extends JobThreadParts {
  /** At most; one for each processor up to four where nothing is said. */
  readonly threads?: number
}

/** More than this waiting would not be done before anybody's deadline. */
const mostWaiting = 1000

export interface JobsStatus {
  /** Threads that work. */
  readonly busy: number
  readonly waiting: number
  /** Threads since the start, those included that took the place of one that had to be ended. */
  readonly started: number
}

export interface NodeJobs extends Jobs {
  readonly status: JobsStatus
}

export function nodeJobs({ threads = defaultThreads(), ...parts }: JobsOptions): NodeJobs {
  return new ThreadPool(threads, parts)
}

/** Thread upon thread gains nothing where the event loop needs a processor too. */
function defaultThreads(): number {
  return Math.min(4, Math.max(1, availableParallelism()))
}

class ThreadPool implements NodeJobs {
  readonly #parts: JobThreadParts
  readonly #most: number
  readonly #threads = new Set<JobThread>()
  readonly #idle: JobThread[] = []
  /** Each is woken by a thread that is free, or by a place for a new one. */
  readonly #waiting = new Set<() => void>()
  #started = 0
  #closed = false

  constructor(most: number, parts: JobThreadParts) {
    this.#most = most
    this.#parts = parts
  }

  get status(): JobsStatus {
    const busy = this.#threads.size - this.#idle.length
    return { busy, waiting: this.#waiting.size, started: this.#started }
  }

  async run<Input, Output>(module: URL, input: Input, signal: AbortSignal): Promise<Output> {
    const thread = await this.#free(signal)
    const work = thread.run(module, input, signal).finally(() => this.#back(thread))
    // The module is the caller's, and so is the knowledge of what it answers.
    return abortable(work as Promise<Output>, signal, 'a job')
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const wake of this.#waiting) wake()
    await Promise.all([...this.#threads].map((thread) => thread.end('the gateway stops')))
  }

  /** @throws PosternError ABORTED, JOB_FAILED */
  async #free(signal: AbortSignal): Promise<JobThread> {
    for (;;) {
      if (signal.aborted) throw new PosternError('ABORTED', 'a job')
      if (this.#closed) throw new PosternError('JOB_FAILED', 'the gateway stops')
      const thread = this.#rested() ?? this.#another()
      if (thread !== undefined) return thread
      if (this.#waiting.size >= mostWaiting) {
        throw new PosternError('JOB_FAILED', `${mostWaiting} jobs are waiting`)
      }
      // oxlint-disable-next-line no-await-in-loop -- whoever is woken looks anew
      await this.#turn(signal)
    }
  }

  /** One that died at rest is left behind. */
  #rested(): JobThread | undefined {
    let thread = this.#idle.pop()
    while (thread?.ended === true) {
      this.#threads.delete(thread)
      thread = this.#idle.pop()
    }
    return thread
  }

  #another(): JobThread | undefined {
    if (this.#threads.size >= this.#most) return undefined
    const thread = new JobThread(this.#parts)
    this.#started += 1
    this.#threads.add(thread)
    return thread
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    this.#waiting.add(wake)
    signal.addEventListener('abort', wake, { once: true })
    return promise.finally(() => {
      this.#waiting.delete(wake)
      signal.removeEventListener('abort', wake)
    })
  }

  #back(thread: JobThread): void {
    if (thread.ended) this.#threads.delete(thread)
    else this.#idle.push(thread)
    const [next] = this.#waiting
    if (next === undefined) return
    this.#waiting.delete(next)
    next()
  }
}
