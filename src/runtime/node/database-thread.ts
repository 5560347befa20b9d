import { Worker } from 'node:worker_threads'
import { errorMessage, PosternError } from '../../mail/errors.ts'
import type { Log } from '../log.ts'

export type ToThread<Request> =
  | { readonly say: 'ask'; readonly id: number; readonly request: Request }
  | { readonly say: 'close' }

export type FromThread<Answer, News = never> =
  /** `damaged`: where the file went that could not be read. */
  | { readonly say: 'ready'; readonly damaged?: string }
  | { readonly say: 'news'; readonly news: News }
  /** It ends: the file cannot be opened, or not be worked with any more. */
  | { readonly say: 'failed'; readonly error: string; readonly damaged?: string }
  | { readonly say: 'done'; readonly id: number; readonly answer: Answer }
  | { readonly say: 'closed' }

export interface DatabaseThreadParts<News> {
  /** The file of the database, for the log. */
  readonly path: string
  readonly program: URL
  /** What the program is started with, made anew each time. */
  readonly data: () => unknown
  readonly log: Log
  /** What the program tells of itself. */
  readonly heard?: (news: News) => void
}

/** What was known is lost, and lies there for whoever wants to look at it. */
export function logSetAside(
  log: Log,
  { path, to }: { readonly path: string; readonly to: string },
): void {
  log.error('store.set-aside', { alert: true, path, to })
}

/**
 * The worker thread with a database in it: what it is asked it answers in order. A thread that dies fails what it was asked,
 * and the next question starts another one. It keeps the process alive only while it works.
 */
export class DatabaseThread<Request, Answer, News = never> {
  readonly #parts: DatabaseThreadParts<News>
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>()
  #worker: Promise<Worker> | undefined
  #closed: PromiseWithResolvers<void> | undefined
  #asked = 0
  #starts = 0

  constructor(parts: DatabaseThreadParts<News>) {
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

  /**
   * @param given memory of the request that goes to the thread whole, in place of a copy
   * @throws PosternError STORE_FAILED where the thread dies over it
   */
  async ask(request: Request, given: readonly ArrayBuffer[] = []): Promise<Answer> {
    const worker = await this.#started()
    const id = ++this.#asked
    const waiting = Promise.withResolvers<Answer>()
    this.#waiting.set(id, waiting)
    worker.ref()
    worker.postMessage({ say: 'ask', id, request } satisfies ToThread<Request>, given)
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
    const { path, program, data, log, heard } = this.#parts
    const { promise, resolve, reject } = Promise.withResolvers<Worker>()
    this.#starts += 1
    const worker = new Worker(program, { workerData: data() })
    let dead = false
    const died = (error: unknown): void => {
      if (dead) return
      dead = true
      const failure = new PosternError('STORE_FAILED', errorMessage(error), { cause: error })
      this.#worker = undefined
      for (const { reject: fail } of this.#waiting.values()) fail(failure)
      this.#closed?.resolve()
      reject(failure)
    }
    const setAside = (to: string | undefined): void => {
      if (to !== undefined) logSetAside(log, { path, to })
    }
    worker.on('message', (message: FromThread<Answer, News>) => {
      switch (message.say) {
        case 'ready':
          setAside(message.damaged)
          worker.unref()
          resolve(worker)
          break
        case 'news':
          heard?.(message.news)
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
