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

/** Of all texts of one message, so much is kept in memory: a queued message costs at most 500 bytes there. */
const keptTextLength = 160

/**
 * The same in one string, for the index: `[[text …], [state …]]`, each state with the index of its text in its place.
 * Texts are cut where together they are too long; states never are.
 */
export function packStates(known: RecipientStates): string {
  const texts = new Map<string, number>()
  const states = known.map((state) => {
    if (state === undefined || state.state === 'pending') return 0
    const text = texts.get(state.text) ?? texts.size
    texts.set(state.text, text)
    const [code = 0, , ...rest] = listOf(encodeState(state))
    return [code, text, ...rest]
  })
  const longest = longestOf([...texts.keys()])
  return JSON.stringify([[...texts.keys()].map((text) => text.slice(0, longest)), states])
}

/** How long each may be: what short ones leave is the others'. */
function longestOf(texts: readonly string[]): number {
  let left = keptTextLength
  const lengths = texts.map(({ length }) => length).toSorted((a, b) => a - b)
  for (const [at, length] of lengths.entries()) {
    const share = Math.floor(left / (lengths.length - at))
    if (length > share) return share
    left -= length
  }
  return keptTextLength
}

export function unpackStates(packed: string): RecipientStates {
  const value: JsonValue = JSON.parse(packed)
  const [texts, states] = listOf(value).map(listOf)
  return (states ?? []).map((state) => {
    if (state === 0) return pending
    const [code = 0, text, ...rest] = listOf(state)
    return decodeState([code, texts?.[countOf(text)] ?? '', ...rest])
  })
}
