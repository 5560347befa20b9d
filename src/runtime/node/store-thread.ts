import { Worker } from 'node:worker_threads'
import { PosternError } from '../../mail/errors.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import {
  encodeBatch,
  type FromWorker,
  type StoreOperation,
  type StoreResult,
  type ToWorker,
} from './store-protocol.ts'

export interface StoreThreadParts {
  readonly path: string
  readonly clock: Clock
  readonly log: Log
}

interface Answered {
  readonly results: readonly StoreResult[]
}

/**
 * The worker thread with the database in it, one batch at a time. A thread that dies fails the batch it
 * had, and the next batch starts another one. It keeps the process alive only while it works.
 */
export class StoreThread {
  readonly #parts: StoreThreadParts
  #worker: Promise<Worker> | undefined
  #waiting: PromiseWithResolvers<Answered> | undefined

  constructor(parts: StoreThreadParts) {
    this.#parts = parts
  }

  /** @throws PosternError STORE_FAILED where the file cannot be opened */
  async open(): Promise<void> {
    await this.#started()
  }

  /** @throws PosternError STORE_FAILED where the thread dies over it */
  async work(operations: readonly StoreOperation[]): Promise<readonly StoreResult[]> {
    const worker = await this.#started()
    worker.ref()
    try {
      const now = this.#parts.clock.now()
      return (await this.#ask(worker, { say: 'work', now, batch: encodeBatch(operations) })).results
    } finally {
      worker.unref()
    }
  }

  async close(): Promise<void> {
    if (this.#worker === undefined) return
    const worker = await this.#worker
    worker.ref()
    await this.#ask(worker, { say: 'close' })
    this.#worker = undefined
    await worker.terminate()
  }

  #ask(worker: Worker, message: ToWorker): Promise<Answered> {
    this.#waiting = Promise.withResolvers<Answered>()
    worker.postMessage(message)
    return this.#waiting.promise
  }

  #started(): Promise<Worker> {
    this.#worker ??= this.#start().catch((error: unknown) => {
      this.#worker = undefined
      throw error
    })
    return this.#worker
  }

  #start(): Promise<Worker> {
    const { path, clock, log } = this.#parts
    const { promise, resolve, reject } = Promise.withResolvers<Worker>()
    const worker = new Worker(new URL('./store.worker.ts', import.meta.url), {
      workerData: { path, now: clock.now() },
    })
    let dead = false
    const died = (error: unknown): void => {
      if (dead) return
      dead = true
      const failure = new PosternError('STORE_FAILED', String(error), { cause: error })
      this.#worker = undefined
      this.#waiting?.reject(failure)
      this.#waiting = undefined
      reject(failure)
    }
    worker.on('message', (message: FromWorker) => {
      switch (message.say) {
        case 'ready':
          if (message.damaged !== undefined) {
            log.warn('store.set-aside', { path, to: message.damaged })
          }
          worker.unref()
          resolve(worker)
          break
        case 'failed':
          died(new Error(message.error))
          void worker.terminate()
          break
        case 'done':
          this.#waiting?.resolve({ results: message.results })
          break
        case 'closed':
          this.#waiting?.resolve({ results: [] })
          break
      }
    })
    worker.on('error', died)
    worker.on('exit', (code) => died(new Error(`the store's thread ended with ${code}`)))
    return promise
  }
}
