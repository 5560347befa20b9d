/** Whether a client waits for its greeting. The connection says when it spoke, the receiver when it was greeted. */
import { PosternError } from '../mail/errors.ts'
import type { Silence } from '../mail/silence.ts'
import type { Clock } from '../runtime/clock.ts'

export class ClientSilence implements Silence {
  readonly #clock: Pick<Clock, 'after'>
  readonly #waiting = new Set<() => void>()
  #broken = false
  #over = false

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock
  }

  get broken(): boolean {
    return this.#broken
  }

  /** The client has sent something. After the greeting that is what it is there for. */
  spoke(): void {
    if (this.#over) return
    this.#broken = true
    this.#wake()
  }

  /** The client has been greeted. */
  end(): void {
    this.#over = true
    this.#wake()
  }

  lasts(durationMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#broken || this.#over || durationMs <= 0) return Promise.resolve(!this.#broken)
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const done = (): void => {
      timer.cancel()
      this.#waiting.delete(done)
      signal.removeEventListener('abort', abort)
      resolve(!this.#broken)
    }
    const abort = (): void => {
      reject(new PosternError('ABORTED', 'waiting before the greeting'))
      done()
    }
    const timer = this.#clock.after(durationMs, done)
    this.#waiting.add(done)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    return promise
  }

  #wake(): void {
    for (const done of this.#waiting) done()
  }
}
