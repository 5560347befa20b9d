import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import { afterRound, dueRecipients, othersDueAt, withoutOwnTime } from './due-times.ts'
import type { RecipientState } from './queue.ts'
import { decodeState, encodeState, isOpen } from './recipient-states.ts'

const results = {
  delivered: { outcome: 'delivered', status: '2.0.0', text: 'ok' },
  deferred: { outcome: 'deferred', status: '4.0.0', text: 'busy' },
  failed: { outcome: 'failed', status: '5.0.0', text: 'no' },
} as const satisfies Record<string, DeliveryResult>

const pending: RecipientState = { state: 'pending' }
const { deferred, delivered } = results

describe('the time of a recipient', () => {
  test('is that of the message where all are due together', () => {
    const { states, dueAt } = afterRound({
      before: [pending, pending],
      indexes: [0, 1],
      results: [deferred, deferred],
      retryAt: 400,
      now: 0,
      tries: 1,
    })
    expect(dueAt).toBe(400)
    expect(states.map(([, state]) => state)).toEqual([
      { state: 'deferred', text: 'busy', tries: 1 },
      { state: 'deferred', text: 'busy', tries: 1 },
    ])
  })

  test('survives being written down, and an operator who wants everybody tried', () => {
    const state: RecipientState = { state: 'deferred', text: 'busy', tries: 2, dueAt: 1_600 }
    expect(decodeState(encodeState(state))).toEqual(state)
    const told: RecipientState = { ...state, delayTold: true }
    expect(decodeState(encodeState(told))).toEqual(told)
    expect(withoutOwnTime(state)).toEqual({ state: 'deferred', text: 'busy', tries: 2 })
  })

  test('counts for those only that a claim left alone', () => {
    const later: RecipientState = { state: 'deferred', text: '', tries: 1, dueAt: 900 }
    expect(othersDueAt([later, later], [0])).toBe(900)
    expect(othersDueAt([later, later], [0, 1])).toBe(Infinity)
    expect(othersDueAt([pending, { state: 'failed', text: '' }], [0])).toBe(Infinity)
  })
})

/** Whatever comes of each try: who was deferred until then is not tried before, and everybody has a turn at that time. */
test('nobody is tried before his time, and nobody is forgotten', () => {
  const outcome = record({
    result: constantFrom(...Object.values(results)),
    delay: integer({ min: 1, max: 50 }),
  })
  const rounds = array(array(outcome, { minLength: 5, maxLength: 5 }), { maxLength: 30 })
  assert(
    property(rounds, (script) => {
      let states: RecipientState[] = Array.from({ length: 5 }, () => pending)
      const promised = states.map(() => 0)
      let now = 0
      for (const [round, outcomes] of script.entries()) {
        const indexes = dueRecipients(states, now)
        for (const [at, state] of states.entries()) {
          expect(indexes.includes(at)).toBe(isOpen(state) && (promised[at] ?? 0) <= now)
        }
        const {
          states: after,
          open,
          dueAt,
        } = afterRound({
          before: states,
          indexes,
          results: indexes.map((at) => outcomes[at]?.result ?? delivered),
          retryAt: indexes.map((at) => now + (outcomes[at]?.delay ?? 0)),
          now,
          tries: round + 1,
        })
        for (const at of indexes) promised[at] = now + (outcomes[at]?.delay ?? 0)
        states = states.map((state, at) => after.find(([index]) => index === at)?.[1] ?? state)
        expect(open).toBe(states.some(isOpen))
        if (!open) return
        const times = states.flatMap((state, at) => (isOpen(state) ? (promised[at] ?? 0) : []))
        expect(dueAt).toBe(Math.min(...times))
        now = dueAt
      }
    }),
  )
})
