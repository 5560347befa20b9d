import { Worker } from 'node:worker_threads'
import { PosternError } from '../../mail/errors.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Dns } from '../dns.ts'
import { errorAcross, errorFrom } from './job-errors.ts'
import type { DnsQuestion, FromJobThread, JobOutcome, ToJobThread } from './job-protocol.ts'

export interface JobThreadParts {
  readonly clock: Clock
  readonly dns: Dns
}

/** After its signal a job has so long to end; then its thread is ended. */
const graceMs = 1000
/** A job that wants more ends with its thread, not with the gateway. */
const resourceLimits = { maxOldGenerationSizeMb: 512 }

/**
 * One thread and the job it is at. It keeps the process alive only while it works.
 * Ends by itself where the job does not end in time; `ended` is then true and another one is needed.
 */
export class JobThread {
  readonly #parts: JobThreadParts
  readonly #worker: Worker
  #job: PromiseWithResolvers<unknown> | undefined
  /** Of the job at work: its questions end with it. */
  #asking = new AbortController()
  #ended = false

  constructor(parts: JobThreadParts) {
    this.#parts = parts
    this.#worker = new Worker(new URL('./job.worker.ts', import.meta.url), { resourceLimits })
    this.#worker.unref()
    this.#worker.on('message', (message: FromJobThread) => this.#hear(message))
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', (code) => this.#end(`it exited with ${code}`))
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * One at a time. Resolves or rejects when the thread is free again, or has ended.
   * @throws PosternError JOB_FAILED; what the job throws
   */
  async run(module: URL, input: unknown, signal: AbortSignal): Promise<unknown> {
    const job = Promise.withResolvers<unknown>()
    this.#job = job
    this.#asking = new AbortController()
    let grace: Timer | undefined
    const abort = (): void => {
      this.#asking.abort()
      this.#say({ say: 'abort' })
      grace = this.#parts.clock.after(graceMs, () => void this.end('the job did not end'))
    }
    this.#worker.ref()
    signal.addEventListener('abort', abort, { once: true })
    try {
      this.#say({ say: 'run', module: module.href, input })
      if (signal.aborted) abort()
      return await job.promise
    } finally {
      signal.removeEventListener('abort', abort)
      grace?.cancel()
      this.#asking.abort()
      this.#job = undefined
      this.#worker.unref()
    }
  }

  async end(reason: string): Promise<void> {
    this.#end(reason)
    await this.#worker.terminate()
  }

  #say(message: ToJobThread): void {
    this.#worker.postMessage(message)
  }

  #hear(message: FromJobThread): void {
    if (message.say === 'ask') {
      void this.#answer(message)
      return
    }
    if (message.outcome.ok) this.#job?.resolve(message.outcome.value)
    else this.#job?.reject(errorFrom(message.outcome.error))
  }

  async #answer({ question, type, name }: FromJobThread & { say: 'ask' }): Promise<void> {
    const outcome = await this.#lookUp(type, name)
    if (!this.#ended) this.#say({ say: 'answer', question, outcome })
  }

  async #lookUp(type: DnsQuestion, name: string): Promise<JobOutcome> {
    try {
      return { ok: true, value: await this.#parts.dns[type](name, this.#asking.signal) }
    } catch (error) {
      return { ok: false, error: errorAcross(error) }
    }
  }

  #end(reason: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#job?.reject(new PosternError('JOB_FAILED', String(reason), { cause: reason }))
  }
}
