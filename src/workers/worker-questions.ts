/** What the supervisor has asked workers and not heard yet. Nobody waits for ever, nor for a worker that is gone. */
import type { Clock } from '../runtime/clock.ts'
import type { WorkerAnswer, WorkerQuestion } from './messages.ts'

/** A reload loads every plugin; of itself a worker can speak at once. */
const patienceMs = { reload: 120_000, retry: 60_000, status: 5_000 }

interface Open {
  readonly of: object
  readonly resolve: (answer: WorkerAnswer | undefined) => void
}

export class WorkerQuestions {
  readonly #clock: Clock
  readonly #open = new Map<number, Open>()
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @param worker whoever it is that may go
   * @param send brings it the question, under a number
   * @returns undefined where there is no answer
   */
  ask<W extends WorkerQuestion>(
    worker: object,
    what: W,
    send: (number: number) => void,
  ): Promise<Extract<WorkerAnswer, { what: W }> | undefined> {
    const number = ++this.#last
    const { promise, resolve } = Promise.withResolvers<
      Extract<WorkerAnswer, { what: W }> | undefined
    >()
    const timer = this.#clock.after(patienceMs[what], () => this.answered(number, undefined))
    this.#open.set(number, {
      of: worker,
      resolve(answer) {
        timer.cancel()
        resolve(isOf(answer, what) ? answer : undefined)
      },
    })
    send(number)
    return promise
  }

  answered(number: number, answer: WorkerAnswer | undefined): void {
    const open = this.#open.get(number)
    this.#open.delete(number)
    open?.resolve(answer)
  }

  /** It will not answer any more. */
  gone(worker: object): void {
    for (const [number, { of }] of this.#open) {
      if (of === worker) this.answered(number, undefined)
    }
  }
}

function isOf<W extends WorkerQuestion>(
  answer: WorkerAnswer | undefined,
  what: W,
): answer is Extract<WorkerAnswer, { what: W }> {
  return answer?.what === what
}
