import { PosternError } from '../../mail/errors.ts'
import type { Dns, DnsAnswer, MxRecord } from '../dns.ts'
import type { Job } from '../jobs.ts'
import { errorAcross, errorFrom } from './job-errors.ts'
import type { DnsQuestion, FromJobThread, JobOutcome, ToJobThread } from './job-protocol.ts'

/** The side of the thread: does one job after the other, and asks the main thread for names. */
export class JobServer {
  readonly #say: (message: FromJobThread) => void
  readonly #questions = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #dns: Dns
  #asked = 0
  #abort = new AbortController()

  constructor(say: (message: FromJobThread) => void) {
    this.#say = say
    this.#dns = {
      addresses: (name, signal) => this.#ask<string>('addresses', name, signal),
      ipv4: (name, signal) => this.#ask<string>('ipv4', name, signal),
      mx: (name, signal) => this.#ask<MxRecord>('mx', name, signal),
      txt: (name, signal) => this.#ask<string>('txt', name, signal),
      reverse: (name, signal) => this.#ask<string>('reverse', name, signal),
    }
  }

  hear(message: ToJobThread): void {
    switch (message.say) {
      case 'run':
        void this.#outcomeOf(message).then((outcome) => this.#say({ say: 'done', outcome }))
        break
      case 'abort':
        this.#abort.abort()
        break
      case 'answer': {
        const { outcome } = message
        const waiting = this.#questions.get(message.question)
        if (outcome.ok) waiting?.resolve(outcome.value)
        else waiting?.reject(errorFrom(outcome.error))
        break
      }
    }
  }

  async #outcomeOf({ module, input }: ToJobThread & { say: 'run' }): Promise<JobOutcome> {
    this.#abort = new AbortController()
    const { signal } = this.#abort
    try {
      const { job }: { job: Job<unknown, unknown> } = await import(module)
      // It may have been called off while the module was read.
      if (signal.aborted) throw new PosternError('ABORTED', 'a job')
      return { ok: true, value: await job(input, { dns: this.#dns, signal }) }
    } catch (error) {
      return { ok: false, error: errorAcross(error) }
    }
  }

  async #ask<T>(type: DnsQuestion, name: string, signal?: AbortSignal): Promise<DnsAnswer<T>> {
    this.#asked += 1
    const question = this.#asked
    const answer = Promise.withResolvers<unknown>()
    const abort = (): void => answer.reject(new PosternError('ABORTED', `${type} ${name}`))
    if (signal?.aborted === true) abort()
    signal?.addEventListener('abort', abort, { once: true })
    this.#questions.set(question, answer)
    this.#say({ say: 'ask', question, type, name })
    try {
      // The main thread answers as the method that was asked for does.
      return (await answer.promise) as DnsAnswer<T>
    } finally {
      this.#questions.delete(question)
      signal?.removeEventListener('abort', abort)
    }
  }
}
