/** The steps of a stored transaction, found by who was asked what, and what was known when they were taken. */
import type { JsonValue } from '../mail/json.ts'
import type { LoginQuestion, Question } from '../filter/entry.ts'
import { stages } from '../mail/status.ts'
import { readFindings } from '../filter/read-verdict.ts'
import type { Trace, TracedStep } from '../filter/trace-reader.ts'

export interface StepRequest {
  readonly entry: string
  readonly question: Question
  readonly round: number
}

export class RecordedSteps {
  readonly #steps: readonly TracedStep[]
  readonly #waiting = new Map<string, TracedStep[]>()

  constructor({ steps }: Trace) {
    this.#steps = steps.filter(({ kind }) => kind === 'asked')
    for (const step of this.#steps) {
      const key = keyOf(step)
      const waiting = this.#waiting.get(key)
      if (waiting === undefined) this.#waiting.set(key, [step])
      else waiting.push(step)
    }
  }

  /** In the order in which they were taken; one that was called off is none. */
  next(request: StepRequest): TracedStep | undefined {
    const { question } = request
    const waiting = this.#waiting.get(keyOf(request))
    if (question === 'sign') return alike(waiting)
    // Of several tries to log in the last has succeeded: it alone is asked about again.
    const step = question === 'auth' ? waiting?.pop() : waiting?.shift()
    return step?.fault?.kind === 'aborted' ? undefined : step
  }

  /** What a back end said of the login that succeeded in the end. */
  ofLogin(entry: string, question: LoginQuestion): TracedStep | undefined {
    return this.#steps.findLast((step) => step.entry === entry && step.question === question)
  }

  /** What the entry of this step could see under a name when it was taken. */
  findingBefore(step: TracedStep, name: string): JsonValue | undefined {
    const at = this.#steps.indexOf(step)
    let found: JsonValue | undefined
    for (const [index, each] of this.#steps.entries()) {
      if (!isSeen(each, step) || !(index < at || isEarlier(each, step))) continue
      const last = readFindings(each.details).findLast((finding) => finding.name === name)
      if (last !== undefined) found = last.value
    }
    return found
  }
}

/**
 * A signer is asked about each version of a message, and what comes of that is the same but for the signature: whether it
 * could sign. Where it could sign one version and not another, nobody knows what it does with versions of today.
 */
function alike(steps: readonly TracedStep[] | undefined): TracedStep | undefined {
  const [first, ...others] = steps ?? []
  return others.every((step) => step.fault?.kind === first?.fault?.kind) ? first : undefined
}

/** What is asked once for a connection, a greeting or a transaction may have been postponed to some RCPT. */
function keyOf({ entry, question, round }: StepRequest): string {
  return `${entry}\0${question}\0${question === 'rcpt' ? round : 0}`
}

/** An enforced entry sees nothing of a shadow, and one at RCPT nothing of another recipient. */
function isSeen(each: TracedStep, by: TracedStep): boolean {
  if (each.mode === 'shadow' && by.mode !== 'shadow') return false
  return each.round === 0 || by.round === 0 || each.round === by.round
}

/** At `message` the order of the answers is luck, the order of the places is not. */
function isEarlier(each: TracedStep, than: TracedStep): boolean {
  const order = stages.indexOf(each.stage) - stages.indexOf(than.stage)
  return order < 0 || (order === 0 && than.question === 'message' && each.number < than.number)
}
