import { Worker } from 'node:worker_threads'
import { PosternError } from '../../mail/errors.ts'
import type { Log } from '../log.ts'

export type ToThread<Request> =
  | { readonly say: 'ask'; readonly id: number; readonly request: Request }
  | { readonly say: 'close' }

export type FromThread<Answer> =
  /** `damaged`: where the file went that could not be read; `upgraded`: what became of an older version's content. */
  | { readonly say: 'ready'; readonly damaged?: string; readonly upgraded?: string }
  /** It ends: the file cannot be opened, or not be worked with any more. */
  | { readonly say: 'failed'; readonly error: string; readonly damaged?: string }
  | { readonly say: 'done'; readonly id: number; readonly answer: Answer }
  | { readonly say: 'closed' }

export interface DatabaseThreadParts {
  /** The file of the database, for the log. */
  readonly path: string
  readonly program: URL
  /** What the program is started with, made anew each time. */
  readonly data: () => unknown
  readonly log: Log
}

/**
 * The worker thread with a database in it: what it is asked it answers in order. A thread that dies fails what it was asked,
 * and the next question starts another one. It keeps the process alive only while it works.
 */
export class DatabaseThread<Request, Answer> {
  readonly #parts: DatabaseThreadParts
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>()
  #worker: Promise<Worker> | undefined
  #closed: PromiseWithResolvers<void> | undefined
  #asked = 0
  #starts = 0

  constructor(parts: DatabaseThreadParts) {
    this.#parts = parts
  }

  /** How often it was started: whoever counts on what was written by an earlier one may find another file. */
  get starts(): number {
    return this.#starts
  }

  /** @throws PosternError STORE_FAILED where the file cannot be opened */
  async open(): Promise<void> {
    await this.#started()
  }

  /** @throws PosternError STORE_FAILED where the thread dies over it */
  async ask(request: Request): Promise<Answer> {
    const worker = await this.#started()
    const id = ++this.#asked
    const waiting = Promise.withResolvers<Answer>()
    this.#waiting.set(id, waiting)
    worker.ref()
    worker.postMessage({ say: 'ask', id, request } satisfies ToThread<Request>)
    try {
      return await waiting.promise
    } finally {
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) worker.unref()
    }
  }

  /** What was asked before is answered first. */
  async close(): Promise<void> {
    // One that cannot be started has nothing to finish.
    const worker = await this.#worker?.catch(() => undefined)
    if (worker === undefined) return
    const closed = Promise.withResolvers<void>()
    this.#closed = closed
    worker.ref()
    worker.postMessage({ say: 'close' } satisfies ToThread<Request>)
    await closed.promise
    this.#worker = undefined
    await worker.terminate()
  }

  #started(): Promise<Worker> {
    this.#worker ??= this.#start().catch((error: unknown) => {
      this.#worker = undefined
      throw error
    })
    return this.#worker
  }

  #start(): Promise<Worker> {
    const { path, program, data, log } = this.#parts
    const { promise, resolve, reject } = Promise.withResolvers<Worker>()
    this.#starts += 1
    const worker = new Worker(program, { workerData: data() })
    let dead = false
    const died = (error: unknown): void => {
      if (dead) return
      dead = true
      const failure = new PosternError('STORE_FAILED', String(error), { cause: error })
      this.#worker = undefined
      for (const { reject: fail } of this.#waiting.values()) fail(failure)
      this.#closed?.resolve()
      reject(failure)
    }
    const setAside = (to: string | undefined): void => {
      if (to !== undefined) log.warn('store.set-aside', { path, to })
    }
    worker.on('message', (message: FromThread<Answer>) => {
      switch (message.say) {
        case 'ready':
          setAside(message.damaged)
          if (message.upgraded !== undefined) {
            log.info('store.upgraded', { path, note: message.upgraded })
          }
          worker.unref()
          resolve(worker)
          break
        case 'failed':
          setAside(message.damaged)
          died(new Error(message.error))
          void worker.terminate()
          break
        case 'done':
          this.#waiting.get(message.id)?.resolve(message.answer)
          break
        case 'closed':
          this.#closed?.resolve()
          break
      }
    })
    worker.on('error', died)
    worker.on('exit', (code) => died(new Error(`the thread ended with ${code}`)))
    return promise
  }
}
