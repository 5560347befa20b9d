/**
 * One thread of a file drop and the files that it was given. It is over when it dies, or when it hangs at a file:
 * then everything that it has fails, what has become of that nobody knows, and it ends when its disk lets it.
 */
import type { Worker } from 'node:worker_threads'
import { PosternError } from '../../mail/errors.ts'
import type { NewFile } from '../file-drop.ts'
import type { FromDrop, ToDrop } from './drop-protocol.ts'

export interface Put {
  readonly file: NewFile
  readonly taken: () => void
  readonly done: PromiseWithResolvers<void>
}

export interface DropThreadParts {
  readonly worker: () => Worker
  /** So long a file may be with it while it says nothing, or says that later ones are done. */
  readonly patienceMs: number
  /** The disk has answered. */
  readonly finished: (put: Put, error?: PosternError) => void
  /** It takes nothing more. */
  readonly over: (why: string, lost: readonly Lost[]) => void
  /** Its end, however long after it was over. */
  readonly gone: () => void
}

/** What a thread had when it was over. */
export interface Lost {
  readonly put: Put
  /** It was there for too long: this may be what the thread hangs at. */
  readonly isLate: boolean
}

interface UnderWay {
  readonly put: Put
  readonly sinceMs: number
}

/** Looks at what is under way, in the time that a file may take. */
const looks = 8

export class DropThread {
  readonly #parts: DropThreadParts
  readonly #worker: Worker
  /** By number, oldest first. */
  readonly #underWay = new Map<number, UnderWay>()
  /** Given in this turn of the event loop: they go there together. */
  #given: Put[] = []
  #numbers = 0
  #watch: NodeJS.Timeout | undefined
  /** When it said last that something is done, and when the newest of that was given to it. */
  #answeredMs = -Infinity
  #newestMs = -Infinity
  /** The time for which this process could have heard an answer, and when that was looked at last. */
  #awakeMs = 0
  #lookedMs = performance.now()
  #isOver = false
  #closed: PromiseWithResolvers<void> | undefined

  /** @throws Error where no thread is to be had */
  constructor(parts: DropThreadParts) {
    this.#parts = parts
    this.#worker = parts.worker()
    this.#worker.on('message', (message: FromDrop) => this.#hear(message))
    this.#worker.on('error', (error) => this.#end(String(error)))
    this.#worker.on('exit', (code) => {
      this.#end(`it ended with ${code}`)
      parts.gone()
    })
    // It keeps the process alive only while it works.
    this.#worker.unref()
  }

  put(put: Put): void {
    this.#given.push(put)
    if (this.#given.length === 1) setImmediate(() => this.#send())
  }

  /** When it has nothing under way. Resolves when it is gone. */
  close(): Promise<void> {
    if (this.#isOver) return Promise.resolve()
    if (this.#closed === undefined) {
      this.#closed = Promise.withResolvers()
      this.#worker.ref()
      this.#worker.postMessage({ say: 'close' } satisfies ToDrop)
    }
    return this.#closed.promise
  }

  #send(): void {
    const puts = this.#given
    this.#given = []
    const first = this.#numbers
    const sinceMs = this.#now()
    this.#numbers += puts.length
    puts.forEach((put, at) => this.#underWay.set(first + at, { put, sinceMs }))
    // It ended while these were on their way.
    if (this.#isOver) return this.#lose('it had ended')
    const files = puts.map(({ file }) => alone(file))
    this.#worker.ref()
    this.#worker.postMessage({ say: 'put', first, files } satisfies ToDrop)
    this.#watch ??= setInterval(() => this.#look(), this.#parts.patienceMs / looks).unref()
  }

  #look(): void {
    const [oldest] = this.#underWay.values()
    const { patienceMs } = this.#parts
    if (oldest === undefined || !this.#hangs(oldest)) return
    this.#worker.unref()
    void this.#worker.terminate()
    this.#end(`a file was not written in ${patienceMs} ms`)
  }

  /** A disk that is slow has an answer now and then, in turn: who gave up on it would write everything twice. */
  #hangs({ sinceMs }: UnderWay): boolean {
    const { patienceMs } = this.#parts
    const nowMs = this.#now()
    if (nowMs - sinceMs < patienceMs) return false
    return nowMs - this.#answeredMs >= patienceMs || this.#newestMs - sinceMs >= patienceMs / 2
  }

  /** Of a minute in which the process was stopped, or its host slept, the thread had nothing: it is no patience lost. */
  #now(): number {
    const nowMs = performance.now()
    const mostMs = (2 * this.#parts.patienceMs) / looks
    this.#awakeMs += Math.min(nowMs - this.#lookedMs, mostMs)
    this.#lookedMs = nowMs
    return this.#awakeMs
  }

  #hear(message: FromDrop): void {
    if (message.say === 'closed') return void this.#worker.terminate()
    for (const number of message.numbers) this.#answer(number)
    for (const [number, code, text] of message.failed) {
      this.#answer(number, new PosternError(code, text))
    }
    if (this.#underWay.size > 0 || this.#closed !== undefined) return
    this.#worker.unref()
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  #answer(number: number, error?: PosternError): void {
    const answered = this.#underWay.get(number)
    if (answered === undefined) return
    this.#underWay.delete(number)
    this.#answeredMs = this.#now()
    this.#newestMs = Math.max(this.#newestMs, answered.sinceMs)
    this.#parts.finished(answered.put, error)
  }

  #end(why: string): void {
    if (this.#isOver) return
    this.#isOver = true
    clearInterval(this.#watch)
    this.#closed?.resolve()
    this.#lose(why)
  }

  #lose(why: string): void {
    const lateMs = this.#now() - this.#parts.patienceMs
    const lost = [...this.#underWay.values()].map(({ put, sinceMs }) => ({
      put,
      isLate: sinceMs <= lateMs,
    }))
    this.#underWay.clear()
    this.#parts.over(why, lost)
  }
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
