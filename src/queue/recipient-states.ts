/** Where the recipients of a message stand, as JSON: `0` pending, `[1, text, tries]` deferred, `[2, text]` delivered, `[3, text]` failed. */
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
export function stateAfter({ outcome, text }: DeliveryResult, tries: number): RecipientState {
  const kept = text.length > maxTextLength ? text.slice(0, maxTextLength) : text
  return outcome === 'deferred'
    ? { state: outcome, text: kept, tries }
    : { state: outcome, text: kept }
}

export function encodeState(state: RecipientState | undefined): JsonValue {
  switch (state?.state) {
    case undefined:
    case 'pending':
      return 0
    case 'deferred':
      return [1, state.text, state.tries]
    case 'delivered':
    case 'failed':
      return [states.indexOf(state.state), state.text]
  }
}

/** @throws TypeError on any other shape */
export function decodeState(value: JsonValue): RecipientState {
  if (value === 0) return pending
  const [code, text, tries] = listOf(value)
  const state = nameAt(states, code)
  if (state === 'pending') return pending
  if (state === 'deferred') return { state, text: textOf(text), tries: countOf(tries) }
  return { state, text: textOf(text) }
}
