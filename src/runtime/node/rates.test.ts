import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Rates } from './rates.ts'

function ratesUnderTest(keys?: number) {
  const state = { nowMs: 1_234_567 }
  return { state, rates: new Rates(() => state.nowMs, keys) }
}

const hour = 3_600_000
const rate = (key: string, limit: number, periodMs = hour) => ({ key, limit, periodMs })

test('a rate is exhausted at its limit, and free again when the period is over', () => {
  const { rates, state } = ratesUnderTest()
  for (let n = 0; n < 3; n++) expect(rates.spend([rate('a', 3)])).toBeUndefined()
  expect(rates.spend([rate('a', 3)])).toBe(0)
  expect(rates.spend([rate('b', 3)])).toBeUndefined()
  state.nowMs += hour - 1
  expect(rates.spend([rate('a', 3)])).toBe(0)
  state.nowMs += hour / 10 + 1
  expect(rates.spend([rate('a', 3)])).toBeUndefined()
})

test('several rates are spent together or not at all', () => {
  const { rates } = ratesUnderTest()
  expect(rates.spend([rate('a', 2), rate('b', 1)])).toBeUndefined()
  expect(rates.spend([rate('a', 2), rate('b', 1)])).toBe(1)
  expect(rates.spend([rate('a', 2)])).toBeUndefined()
  expect(rates.spend([rate('a', 2)])).toBe(0)
})

test('a limit of nothing lets nothing through', () => {
  expect(ratesUnderTest().rates.spend([rate('a', 0)])).toBe(0)
})

test('in no period more than the limit is let through, and after a period of silence all of it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(400), { maxLength: 300 }),
      fc.integer({ min: 1, max: 20 }),
      (pauses, limit) => {
        const { rates, state } = ratesUnderTest()
        const through: number[] = []
        for (const pause of pauses) {
          state.nowMs += pause
          if (rates.spend([rate('a', limit, 1000)]) === undefined) through.push(state.nowMs)
        }
        for (const [index, at] of through.entries()) {
          const within = through.slice(index).filter((later) => later < at + 1000)
          expect(within.length).toBeLessThanOrEqual(limit)
        }
        state.nowMs += 1100
        for (let n = 0; n < limit; n++) {
          expect(rates.spend([rate('a', limit, 1000)])).toBeUndefined()
        }
      },
    ),
  )
})

test('keys are bounded: the one idle longest goes first, and what is over goes by itself', () => {
  const { rates, state } = ratesUnderTest(100)
  for (let n = 0; n < 1000; n++) rates.spend([rate(`key ${n}`, 1)])
  expect(rates.size).toBe(100)
  expect(rates.spend([rate('key 999', 1)])).toBe(0)
  expect(rates.spend([rate('key 0', 1)])).toBeUndefined()
  state.nowMs += 2 * hour
  for (let n = 0; n < 60; n++) rates.spend([rate('one', 1000)])
  expect(rates.size).toBe(1)
})

test('a flood of new keys does not bring back what is exhausted', () => {
  const { rates } = ratesUnderTest(100)
  for (let n = 0; n < 5; n++) rates.spend([rate('guesser', 5)])
  for (let n = 0; n < 5000; n++) rates.spend([rate(`key ${n}`, 5)])
  expect(rates.spend([rate('guesser', 5)])).toBe(0)
  expect(rates.size).toBe(100)
})
