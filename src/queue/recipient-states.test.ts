import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RecipientState } from './queue.ts'
import { packStates, unpackStates } from './recipient-states.ts'

const text = fc.string({ maxLength: 20 })
const state: fc.Arbitrary<RecipientState> = fc.oneof(
  fc.constant<RecipientState>({ state: 'pending' }),
  fc.record({ state: fc.constantFrom('delivered', 'failed'), text }),
  fc.record(
    {
      state: fc.constant('deferred'),
      text,
      tries: fc.nat(),
      delayTold: fc.constant(true),
      dueAt: fc.integer({ min: 1 }),
    },
    { requiredKeys: ['state', 'text', 'tries'] },
  ),
)

test('what is packed comes out again', () => {
  fc.assert(
    fc.property(fc.array(fc.option(state, { nil: undefined }), { maxLength: 8 }), (states) => {
      const expected = states.map((each) => each ?? { state: 'pending' })
      expect(unpackStates(packStates(states))).toEqual(expected)
    }),
  )
})

test('texts are kept once, and together no longer than 160 characters', () => {
  const deferred = (said: string): RecipientState => ({ state: 'deferred', text: said, tries: 2 })
  const same = Array.from({ length: 100 }, () => deferred('x'.repeat(100)))
  expect(unpackStates(packStates(same))).toEqual(same)
  expect(packStates(same).length).toBeLessThan(1000)
  const [first, second] = unpackStates(
    packStates([deferred('a'.repeat(500)), deferred('b'.repeat(500))]),
  )
  expect(first).toEqual(deferred('a'.repeat(80)))
  expect(second).toEqual(deferred('b'.repeat(80)))
})

test('texts that were cut once are not cut again, however often states are packed', () => {
  const said = fc.stringMatching(/^[ab😀]{0,90}$/u)
  const failed = said.map((each): RecipientState => ({ state: 'failed', text: each }))
  fc.assert(
    fc.property(fc.array(failed, { maxLength: 6 }), (states) => {
      const once = unpackStates(packStates(states))
      expect(unpackStates(packStates(once))).toEqual(once)
      const texts = new Set(once.map((each) => (each?.state === 'failed' ? each.text : '')))
      expect([...texts].join('').length).toBeLessThanOrEqual(160)
    }),
  )
})
