/**
 * A file drop with a thread of its own: the event loop of the gateway neither waits for a disk nor works for one. Many
 * files are under way at a time, so that a disk that takes a sync for many of them is used as such. The thread is started
 * by the first file and keeps the process alive only while it works. If it dies, what it was given fails: what has
 * become of that nobody knows.
 */
import { Worker } from 'node:worker_threads'
import { PosternError } from '../../mail/errors.ts'
import type { FileDrop, NewFile } from '../file-drop.ts'
import type { Log } from '../log.ts'
import type { FromDrop, ToDrop } from './drop-protocol.ts'

/** Under way at a time; whoever brings more waits. */
const mostFiles = 1_000
const mostBytes = 16 << 20

interface Put {
  readonly file: NewFile
  readonly taken: () => void
  readonly done: PromiseWithResolvers<void>
}

export function threadDrop(log: Log): FileDrop {
  return new ThreadDrop(log)
}

class ThreadDrop implements FileDrop {
  readonly #log: Log
  #worker: Worker | undefined
  /** With the thread, by number. */
  readonly #underWay = new Map<number, Put>()
  /** Taken in this turn of the event loop: they go to the thread together. */
  #taken: Put[] = []
  /** There is no room for them yet. */
  readonly #line = new Set<Put>()
  #files = 0
  #bytes = 0
  #numbers = 0
  #closing: PromiseWithResolvers<void> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  put(file: NewFile, taken = (): void => undefined): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(failure('it is closed'))
    const put: Put = { file, taken, done: Promise.withResolvers() }
    if (this.#hasRoom) this.#take(put)
    else this.#line.add(put)
    return put.done.promise
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = Promise.withResolvers()
      this.#endIfIdle()
    }
    return this.#closing.promise
  }

  /** One that is alone may be as large as it is. */
  get #hasRoom(): boolean {
    return this.#files === 0 || (this.#files < mostFiles && this.#bytes < mostBytes)
  }

  #take(put: Put): void {
    this.#files += 1
    this.#bytes += sizeOf(put)
    this.#taken.push(put)
    if (this.#taken.length === 1) setImmediate(() => this.#send())
    put.taken()
  }

  #send(): void {
    const puts = this.#taken
    this.#taken = []
    try {
      const worker = (this.#worker ??= this.#start())
      const first = this.#numbers
      worker.postMessage({
        say: 'put',
        first,
        files: puts.map(({ file }) => alone(file)),
      } satisfies ToDrop)
      worker.ref()
      this.#numbers += puts.length
      puts.forEach((put, at) => this.#underWay.set(first + at, put))
    } catch (error) {
      // No thread is to be had now.
      for (const put of puts) this.#finish(put, failure(String(error)))
    }
  }

  #finish(put: Put, error?: PosternError): void {
    this.#files -= 1
    this.#bytes -= sizeOf(put)
    if (error === undefined) put.done.resolve()
    else put.done.reject(error)
    for (const next of this.#line) {
      if (!this.#hasRoom) break
      this.#line.delete(next)
      this.#take(next)
    }
    this.#endIfIdle()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./drop.worker.ts', import.meta.url))
    const died = (error: unknown): void => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      if (this.#underWay.size > 0) {
        this.#log.error('maildir.thread-died', {
          error: String(error),
          files: this.#underWay.size,
        })
      }
      const puts = [...this.#underWay.values()]
      this.#underWay.clear()
      for (const put of puts) this.#finish(put, failure(String(error)))
      this.#endIfIdle()
    }
    worker.on('message', (message: FromDrop) => this.#hear(worker, message))
    worker.on('error', died)
    worker.on('exit', (code) => died(new Error(`the thread ended with ${code}`)))
    return worker
  }

  #hear(worker: Worker, message: FromDrop): void {
    if (message.say === 'closed') {
      this.#worker = undefined
      void worker.terminate()
      return this.#closing?.resolve()
    }
    for (const number of message.numbers) this.#answer(number)
    for (const [number, code, text] of message.failed) {
      this.#answer(number, new PosternError(code, text))
    }
    if (this.#underWay.size === 0) worker.unref()
  }

  #answer(number: number, error?: PosternError): void {
    const put = this.#underWay.get(number)
    if (put === undefined) return
    this.#underWay.delete(number)
    this.#finish(put, error)
  }

  #endIfIdle(): void {
    if (this.#closing === undefined || this.#files > 0) return
    if (this.#worker === undefined) return this.#closing.resolve()
    this.#worker.ref()
    this.#worker.postMessage({ say: 'close' } satisfies ToDrop)
  }
}

function sizeOf({ file: { head, body } }: Put): number {
  return head.length + body.length
}

/** A view is sent with all the memory that it is a view of: small ones share theirs with strangers. */
function alone({ draft, path, head, body }: NewFile): NewFile {
  return {
    draft,
    path,
    head: new Uint8Array(head),
    body: isAlone(body) ? body : new Uint8Array(body),
  }
}

function isAlone({ buffer, byteLength }: Uint8Array): boolean {
  return buffer instanceof SharedArrayBuffer || buffer.byteLength === byteLength
}

function failure(why: string): PosternError {
  return new PosternError('DISK_FAILED', `the thread that writes files: ${why}`)
}
