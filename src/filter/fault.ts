import { isPosternError } from '../mail/errors.ts'
import type { FaultOutcome } from '../plugin/stage.ts'
import { defer, pass, quarantine, reject, type AnyVerdict } from '../plugin/verdict.ts'
import { isLoginQuestion, type Question } from './entry.ts'

/**
 * What went wrong when an entry was asked. `aborted` is nobody's fault: the client left, or an earlier
 * entry's objection made the answer pointless; it is not counted.
 */
export type FaultKind =
  | 'threw'
  | 'rejected'
  | 'timeout'
  | 'not-a-verdict'
  | 'not-allowed'
  | 'options'
  | 'breaker-open'
  | 'aborted'

export interface Fault {
  readonly kind: FaultKind
  /** For the operator; never shown to a client. */
  readonly detail: string
  /** It counts for this question alone: strangers choose the names that the DNS fails for, and must not put an entry to rest. */
  readonly passing?: true
}

const reason = 'FAULT'
const local = 'Temporary local problem, please try again later'

const deferred = Object.freeze(defer('4.3.0', local, { reason }))
const loginDeferred = Object.freeze(defer('4.7.0', 'Temporary authentication failure', { reason }))
const rejected = Object.freeze(reject('5.3.0', 'Local problem, this cannot be taken', { reason }))
const passed = Object.freeze(pass({ reason }))
const quarantined = Object.freeze(quarantine({ reason }))
const gone = Object.freeze(defer('4.4.2', 'Connection lost', { reason: 'ABORTED' }))

/** The verdict that stands in for the one that did not come. It tells the client nothing of our inside. */
export function faultVerdict(outcome: FaultOutcome, question: Question): AnyVerdict {
  switch (outcome) {
    case 'pass':
      return passed
    case 'reject':
      return rejected
    case 'quarantine':
      if (question === 'message' || question === 'sign') return quarantined
      return isLoginQuestion(question) ? loginDeferred : deferred
    case 'defer':
      return isLoginQuestion(question) ? loginDeferred : deferred
  }
}

/** The verdict of a question that was called off. */
export const abortedVerdict: AnyVerdict = gone

/** A hook threw this, or its promise was rejected with it. */
export function errorFault(kind: 'threw' | 'rejected', error: unknown): Fault {
  const fault = { kind, detail: errorDetail(error) }
  return isPosternError(error, 'DNS_FAILED') ? { ...fault, passing: true } : fault
}

/**
 * An error in one bounded line: what it says, and the place of whoever wrote it: the first of the stack that is neither
 * Node's nor, where a plugin called us, ours. Never throws, whatever was thrown: what an
 * error says of itself is code of whoever made it.
 */
export function errorDetail(error: unknown): string {
  try {
    const text = error instanceof Error ? stackHead(error) : `threw ${describe(error)}`
    return text.slice(0, 500)
  } catch {
    return 'threw something that cannot be read'
  }
}

/** The folder of our own code, beside that of the plugins. */
const ourFolder = new URL('..', import.meta.url).href

function stackHead(error: Error): string {
  const stack = String(error.stack ?? '').slice(0, 5000)
  const places = stack
    .matchAll(/^\s*at (.*)$/gm)
    .map(([, place = '']) => place)
    .toArray()
  const outside = places.filter((place) => /:\d+\)?$/.test(place) && !place.includes('node:'))
  const place = outside.find((each) => !each.includes(ourFolder)) ?? outside[0] ?? places[0]
  return place === undefined ? String(error) : `${String(error)} (${place})`
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return value === null ? 'null' : typeof value
}
