/** The metas of what is recorded about messages after their commit: what came of a try, and what an operator decided. */
import type { Instant } from '../mail/instant.ts'
import { countOf, listOf, nameAt, readJson } from './json-shape.ts'
import type { RecipientState } from './queue.ts'
import { decodeState, encodeState } from './recipient-states.ts'

/** One round of delivery that left recipients open. */
export interface Outcome {
  readonly number: number
  readonly tries: number
  readonly dueAt: Instant
  /** Those that were tried. */
  readonly recipients: readonly (readonly [index: number, state: RecipientState])[]
}

const verbs = ['hold', 'release', 'defer', 'done'] as const

/** `release` and `defer` make due at `at`; `done` means that nothing is left to do: the message is gone. */
export interface StateChange {
  readonly verb: (typeof verbs)[number]
  readonly at: Instant
  readonly numbers: readonly number[]
}

/** More recipients than any envelope may have. */
const maxRecipients = 1_000_000

export function encodeOutcome({ number, tries, dueAt, recipients }: Outcome): string {
  return JSON.stringify([
    number,
    tries,
    dueAt,
    recipients.map(([index, state]) => [index, encodeState(state)]),
  ])
}

/** @returns undefined for what is not the meta of an outcome */
export function decodeOutcome(text: string): Outcome | undefined {
  return readJson(text, (value) => {
    const [number, tries, dueAt, recipients] = listOf(value)
    return {
      number: countOf(number),
      tries: countOf(tries),
      dueAt: countOf(dueAt),
      recipients: listOf(recipients).map((pair) => {
        const [index, state = 0] = listOf(pair)
        if (countOf(index) > maxRecipients) throw new TypeError('no such recipient')
        return [countOf(index), decodeState(state)] as const
      }),
    }
  })
}

export function encodeStateChange({ verb, at, numbers }: StateChange): string {
  return JSON.stringify([verbs.indexOf(verb), at, numbers])
}

/** @returns undefined for what is not the meta of a change of state */
export function decodeStateChange(text: string): StateChange | undefined {
  return readJson(text, (value) => {
    const [verb, at, numbers] = listOf(value)
    return {
      verb: nameAt(verbs, verb),
      at: countOf(at),
      numbers: listOf(numbers).map(countOf),
    }
  })
}
