/** Jobs in a few threads, made when they are needed first and kept. */
import { availableParallelism } from 'node:os'
import { PosternError } from '../../mail/errors.ts'
import { abortable } from '../abortable.ts'
import type { Jobs } from '../jobs.ts'
import { FairLine, type Waiting } from './fair-line.ts'
import { JobThread, type JobThreadParts } from './job-thread.ts'

export interface JobsOptions extends JobThreadParts {
  /** At most; one for each processor up to four where nothing is said. */
  readonly threads?: number
}

/** Of one kind: more than this waiting would not be done before anybody's deadline. */
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

interface WaitingJob extends Waiting {
  readonly take: (thread: JobThread) => void
  readonly fail: (error: PosternError) => void
}

class ThreadPool implements NodeJobs {
  readonly #parts: JobThreadParts
  readonly #most: number
  readonly #threads = new Set<JobThread>()
  /** While anybody waits there is none. */
  readonly #idle: JobThread[] = []
  readonly #line = new FairLine<WaitingJob>(mostWaiting)
  #started = 0
  #closed = false

  constructor(most: number, parts: JobThreadParts) {
    this.#most = most
    this.#parts = parts
  }

  get status(): JobsStatus {
    const busy = this.#threads.size - this.#idle.length
    return { busy, waiting: this.#line.size, started: this.#started }
  }

  async run<Input, Output>(
    module: URL,
    input: Input,
    signal: AbortSignal,
    whose = '',
  ): Promise<Output> {
    const thread = await this.#free({ kind: module.href, whose }, signal)
    const work = thread.run(module, input, signal).finally(() => this.#back(thread))
    // The module is the caller's, and so is the knowledge of what it answers.
    return abortable(work as Promise<Output>, signal, 'a job')
  }

  async close(): Promise<void> {
    this.#closed = true
    for (let next = this.#line.next(); next !== undefined; next = this.#line.next()) {
      next.fail(new PosternError('JOB_FAILED', 'the gateway stops'))
    }
    await Promise.all([...this.#threads].map((thread) => thread.end('the gateway stops')))
  }

  /** @throws PosternError ABORTED, JOB_FAILED */
  async #free(waiting: Waiting, signal: AbortSignal): Promise<JobThread> {
    if (signal.aborted) throw new PosternError('ABORTED', 'a job')
    if (this.#closed) throw new PosternError('JOB_FAILED', 'the gateway stops')
    return this.#rested() ?? this.#another() ?? (await this.#turn(waiting, signal))
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

  async #turn({ kind, whose }: Waiting, signal: AbortSignal): Promise<JobThread> {
    const { promise, resolve, reject } = Promise.withResolvers<JobThread>()
    const waiting: WaitingJob = { kind, whose, take: resolve, fail: reject }
    const tooMany = this.#line.join(waiting)
    tooMany?.fail(new PosternError('JOB_FAILED', `${mostWaiting} jobs are waiting`))
    const abort = (): void => {
      this.#line.leave(waiting)
      reject(new PosternError('ABORTED', 'a job'))
    }
    signal.addEventListener('abort', abort, { once: true })
    const thread = await promise.finally(() => signal.removeEventListener('abort', abort))
    if (this.#closed) throw new PosternError('JOB_FAILED', 'the gateway stops')
    if (!signal.aborted) return thread
    this.#back(thread)
    throw new PosternError('ABORTED', 'a job')
  }

  #back(thread: JobThread): void {
    if (thread.ended) return this.#replace(thread)
    const next = this.#line.next()
    if (next === undefined) this.#idle.push(thread)
    else next.take(thread)
  }

  /** Where no thread can be made any more, nobody waits for one. */
  #replace(thread: JobThread): void {
    this.#threads.delete(thread)
    for (let next = this.#line.next(); next !== undefined; next = this.#line.next()) {
      try {
        const another = this.#another()
        if (another !== undefined) return next.take(another)
      } catch (error) {
        next.fail(new PosternError('JOB_FAILED', String(error), { cause: error }))
      }
    }
  }
}
