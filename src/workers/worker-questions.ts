/** What the supervisor has asked workers and not heard yet. Nobody waits for ever, nor for a worker that is gone. */
import type { Clock } from '../runtime/clock.ts'
import type { WorkerAnswer, WorkerQuestion } from './messages.ts'
import type { Worker } from './worker-slot.ts'

/** A reload loads every plugin; of itself a worker can speak at once. */
const patienceMs = { reload: 120_000, retry: 60_000, status: 5_000 }

type AnswerTo<W extends WorkerQuestion> = Extract<WorkerAnswer, { readonly what: W }>

interface Open {
  readonly of: Worker
  readonly resolve: (answer: WorkerAnswer | undefined) => void
}

export class WorkerQuestions {
  readonly #clock: Clock
  readonly #open = new Map<number, Open>()
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns undefined where there is no worker, or no answer */
  ask<W extends WorkerQuestion>(
    worker: Worker | undefined,
    what: W,
  ): Promise<AnswerTo<W> | undefined> {
    if (worker === undefined) return Promise.resolve(undefined)
    const number = ++this.#last
    const { promise, resolve } = Promise.withResolvers<AnswerTo<W> | undefined>()
    const timer = this.#clock.after(patienceMs[what], () => this.answered(number, undefined))
    this.#open.set(number, {
      of: worker,
      resolve(answer) {
        timer.cancel()
        resolve(isOf(answer, what) ? answer : undefined)
      },
    })
    worker.send({ say: 'ask', number, what })
    return promise
  }

  /** @param read what is wanted of each answer. @returns it, of those that answer */
  async askAll<W extends WorkerQuestion, T>(
    workers: readonly Worker[],
    what: W,
    read: (answer: AnswerTo<W>) => T,
  ): Promise<readonly T[]> {
    const answers = await Promise.all(workers.map((worker) => this.ask(worker, what)))
    return answers.flatMap((answer) => (answer === undefined ? [] : [read(answer)]))
  }

  answered(number: number, answer: WorkerAnswer | undefined): void {
    const open = this.#open.get(number)
    this.#open.delete(number)
    open?.resolve(answer)
  }

  /** It will not answer any more. */
  gone(worker: Worker): void {
    for (const [number, { of }] of this.#open) {
      if (of === worker) this.answered(number, undefined)
    }
  }
}

function isOf<W extends WorkerQuestion>(
  answer: WorkerAnswer | undefined,
  what: W,
): answer is AnswerTo<W> {
  return answer?.what === what
}
