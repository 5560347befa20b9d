import type { WorkerEnd } from '../runtime/workers.ts'
import type { FromWorker } from './messages.ts'

/** What a worker says until it is open; the end may come before any word. */
export type FirstWord =
  | Extract<FromWorker, { say: 'opened' | 'refused' | 'prepared' }>
  | { readonly say: 'ended'; readonly how: WorkerEnd }

/** The first words of one worker, in order, for the one who waits for them. After its end there is nothing but that. */
export class FirstWords {
  readonly #said: FirstWord[] = []
  #over: FirstWord | undefined
  #waiting: ((word: FirstWord) => void) | undefined

  /** How it ended, if it has. */
  get end(): WorkerEnd | undefined {
    return this.#over?.say === 'ended' ? this.#over.how : undefined
  }

  said(word: FirstWord): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (word.say === 'ended') this.#over = word
    if (waiting !== undefined) waiting(word)
    else if (word.say !== 'ended') this.#said.push(word)
  }

  next(): Promise<FirstWord> {
    const word = this.#said.shift() ?? this.#over
    if (word !== undefined) return Promise.resolve(word)
    return new Promise((resolve) => (this.#waiting = resolve))
  }
}
