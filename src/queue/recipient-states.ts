/** Where the recipients of a message stand, as JSON: `0` pending, `[1, text, tries]` deferred (then a 1 where the sender knows, then a time of its own), `[2, text]` delivered, `[3, text]` failed. */
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { JsonValue } from '../mail/json.ts'
import { countOf, listOf, nameAt, textOf } from './json-shape.ts'
import type { RecipientState } from './queue.ts'

const states = ['pending', 'deferred', 'delivered', 'failed'] as const

/** What a next hop says is kept for people to read; this much of it. */
const maxTextLength = 512

const pending: RecipientState = Object.freeze({ state: 'pending' })

/** By index into the envelope's recipients; those that are missing are pending. */
export type RecipientStates = readonly (RecipientState | undefined)[]

export function stateOf(known: RecipientStates | undefined, index: number): RecipientState {
  return known?.[index] ?? pending
}

export function isOpen({ state }: RecipientState): boolean {
  return state === 'pending' || state === 'deferred'
}

/** @param tries rounds of delivery so far, this one included */
export function stateAfter(result: DeliveryResult, tries: number): RecipientState {
  const text = result.text.slice(0, maxTextLength)
  if (result.outcome !== 'deferred') return { state: result.outcome, text }
  const told = result.delayTold === true ? { delayTold: true as const } : {}
  return { state: 'deferred', text, tries, ...told }
}

export function encodeState(state: RecipientState | undefined): JsonValue {
  switch (state?.state) {
    case undefined:
    case 'pending':
      return 0
    case 'deferred':
      return encodeDeferred(state)
    case 'delivered':
    case 'failed':
      return [states.indexOf(state.state), state.text]
  }
}

function encodeDeferred({
  text,
  tries,
  delayTold,
  dueAt,
}: Extract<RecipientState, { readonly state: 'deferred' }>): JsonValue {
  const told = delayTold === true ? 1 : 0
  if (dueAt !== undefined) return [1, text, tries, told, dueAt]
  return told === 1 ? [1, text, tries, 1] : [1, text, tries]
}

/** @throws TypeError on any other shape */
export function decodeState(value: JsonValue): RecipientState {
  if (value === 0) return pending
  const [code, text, tries, told = 0, dueAt = 0] = listOf(value)
  const state = nameAt(states, code)
  if (state === 'pending') return pending
  if (state === 'deferred') {
    const time = countOf(dueAt)
    return {
      state,
      text: textOf(text),
      tries: countOf(tries),
      ...(countOf(told) === 0 ? {} : { delayTold: true }),
      ...(time === 0 ? {} : { dueAt: time }),
    }
  }
  return { state, text: textOf(text) }
}
