import type { Findings } from '../plugin/finding.ts'
import type { FaultOutcome, HookContext } from '../plugin/stage.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Place, Values } from './entry.ts'
import { errorFault, type Fault } from './fault.ts'
import { declaredFindings } from './findings.ts'

/** What came of waiting for an answer. */
export type Heard<T> =
  | { readonly heard: 'answer'; readonly answer: T }
  | { readonly heard: 'fault'; readonly fault: Fault }

interface Waiting<T> {
  readonly clock: Clock
  readonly timeoutMs: number
  /** An answer came after nobody waited for it any more. */
  readonly late: () => void
  readonly answer: Promise<T>
}

/**
 * One hook at work: its context, and the wait for its answer. The controller exists only once the
 * hook reads `signal`, the timer only once it returned a promise; most hooks do neither.
 */
export class Consultation implements HookContext<Values> {
  readonly place: Place
  readonly options: Values
  readonly #known: Findings
  #findings: Findings | undefined
  #controller: AbortController | undefined
  #over: Error | undefined
  #callOff: (() => void) | undefined

  /** @param known the facts that any entry in its mode may be told */
  constructor(place: Place, options: Values, known: Findings) {
    this.place = place
    this.options = options
    this.#known = known
  }

  get onFault(): FaultOutcome {
    return this.place.entry.onFault
  }

  get findings(): Findings {
    return (this.#findings ??= declaredFindings(this.place.entry.reads, this.#known))
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#over !== undefined) this.#controller.abort(this.#over)
    return this.#controller.signal
  }

  /** Resolves with the first of: the answer, the deadline, being called off. Never rejects. */
  wait<T>({ clock, timeoutMs, late, answer }: Waiting<T>): Promise<Heard<T>> {
    const { promise, resolve } = Promise.withResolvers<Heard<T>>()
    const failed = (fault: Fault): void => {
      this.#end(new Error(`the hook was called off: ${fault.detail}`))
      resolve({ heard: 'fault', fault })
    }
    const timer = clock.after(timeoutMs, () =>
      failed({ kind: 'timeout', detail: `no answer within ${timeoutMs} ms` }),
    )
    this.#callOff = () => {
      timer.cancel()
      failed({ kind: 'aborted', detail: 'nobody waits for the answer any more' })
    }
    const settle = (heard: Heard<T>): void => {
      if (this.#over !== undefined) {
        late()
        return
      }
      timer.cancel()
      this.#callOff = undefined
      resolve(heard)
    }
    answer.then(
      (value) => settle({ heard: 'answer', answer: value }),
      (error: unknown) => settle({ heard: 'fault', fault: errorFault('rejected', error) }),
    )
    return promise
  }

  /** Ends the wait, if there is one. */
  callOff(): void {
    const callOff = this.#callOff
    this.#callOff = undefined
    callOff?.()
  }

  #end(reason: Error): void {
    this.#over = reason
    this.#callOff = undefined
    this.#controller?.abort(reason)
  }
}
