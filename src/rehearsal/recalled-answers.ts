/**
 * What a step's doors answered when it was recorded, for one that takes it again. A question that was not asked then has no
 * answer: whoever asks it gets none, and what comes of the step is worth nothing.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { list, number, text } from '../filter/read-json.ts'
import { missingMark } from '../filter/step-notes.ts'
import { PosternError } from '../mail/errors.ts'
import type { JsonValue } from '../mail/json.ts'

/** The answers of one step, used up as they are asked for. */
export class RecalledAnswers {
  /** The entry that asks: its tables bear its name. */
  readonly entry: string
  /** When the step began, for who wants to know the time and did not then. */
  readonly at: number
  readonly #answers = new Map<string, JsonValue[]>()
  readonly #timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>()
  readonly #real = new Set<Promise<void>>()
  #missed: string | undefined
  /** Why nothing is known of what was answered: whoever asks nothing now can do without. */
  #lost: string | undefined

  /** @param notes as step-notes.ts writes them; none where nothing was asked, or nothing is known */
  constructor(
    notes: readonly JsonValue[],
    { entry, at }: { readonly entry: string; readonly at: number },
  ) {
    this.entry = entry
    this.at = at
    for (const note of notes) {
      const [question, ...answer] = list(note)
      if (question === missingMark) this.#lost = text(answer[0])
      else this.#answers.set(text(question), [...(this.#answers.get(text(question)) ?? []), answer])
    }
  }

  /** What could not be answered first. */
  get missed(): string | undefined {
    return this.#missed
  }

  miss(what: string): void {
    this.#missed ??= what
  }

  /** Work that is done now, on what is kept: whoever waits for the step waits for it. */
  real<T>(work: Promise<T>): Promise<T> {
    const forget = (): void => void this.#real.delete(over)
    const over: Promise<void> = work.then(forget, forget)
    this.#real.add(over)
    return work
  }

  /** Resolves when the first piece of such work is over. */
  get underWay(): Promise<void> | undefined {
    return this.#real.size === 0 ? undefined : Promise.race(this.#real)
  }

  /** @throws PosternError NOT_FOUND where it was not asked, or not answered at once as then */
  now(question: string): JsonValue {
    const [answer] = this.#take(question) ?? []
    if (answer !== undefined) return answer
    throw this.#unknown(question)
  }

  /** One that had no answer then has none now. @throws PosternError NOT_FOUND */
  async later(question: string): Promise<JsonValue> {
    await Promise.resolve()
    const answer = this.#take(question)
    if (answer === undefined) throw this.#unknown(question)
    const [given] = answer
    return given === undefined ? new Promise<never>(() => undefined) : given
  }

  /** The time: as it was told then. */
  get time(): number {
    const [told] = this.#answers.get('now') ?? []
    const [at] = told === undefined ? [] : list(told)
    return at === undefined ? this.at : number(at)
  }

  after(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { dueMs: delayMs, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Nothing else will happen: the time of the next timer has come. @returns whether there was one */
  fireTimer(): boolean {
    const [next] = [...this.#timers].toSorted((a, b) => a.dueMs - b.dueMs)
    if (next === undefined) return false
    this.#timers.delete(next)
    next.callback()
    return true
  }

  /** The last of its answers is as good for whoever asks again. */
  #take(question: string): readonly JsonValue[] | undefined {
    const kept = this.#answers.get(question)
    const answer = kept !== undefined && kept.length > 1 ? kept.shift() : kept?.[0]
    return answer === undefined ? undefined : list(answer)
  }

  #unknown(question: string): PosternError {
    const lost = this.#lost === undefined ? '' : `, and no answer was kept (${this.#lost})`
    this.miss(`it asks anew: ${question}${lost}`)
    return new PosternError('NOT_FOUND', `an answer to ${question}`)
  }
}

/** Which answers count for whoever asks now. */
export type Recall = AsyncLocalStorage<RecalledAnswers>

export function newRecall(): Recall {
  return new AsyncLocalStorage()
}
