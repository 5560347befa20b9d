import { expect, test } from 'vitest'
import { Breaker, breakerLimits } from './breaker.ts'

const limits = { faults: 3, withinMs: 1000, openMs: 5000 }

const faultsAt = (breaker: Breaker, ...times: number[]): readonly boolean[] =>
  times.map((time) => breaker.faulted(time))

test('a row of faults opens it, one fewer does not', () => {
  const breaker = new Breaker(limits)
  expect(faultsAt(breaker, 0, 1, 2)).toEqual([false, false, true])
  expect(breaker.state).toBe('open')
  expect(breaker.allows(3)).toBe(false)
})

test('where nothing else is said, so many faults open it, for so long', () => {
  const breaker = new Breaker()
  const { faults, withinMs, openMs } = breakerLimits
  const times = Array.from({ length: faults }, (_, at) => (at * withinMs) / faults)
  expect(faultsAt(breaker, ...times).indexOf(true)).toBe(faults - 1)
  const openedMs = times.at(-1) ?? 0
  expect(breaker.allows(openedMs + openMs - 1)).toBe(false)
  expect(breaker.allows(openedMs + openMs)).toBe(true)
})

test('an answer between faults begins the row anew', () => {
  const breaker = new Breaker(limits)
  faultsAt(breaker, 0, 1)
  breaker.answered()
  expect(faultsAt(breaker, 2, 3)).toEqual([false, false])
})

test('faults far apart are no row', () => {
  const breaker = new Breaker(limits)
  expect(faultsAt(breaker, 0, 900, 1800, 2700)).toEqual([false, false, false, false])
})

test('when its time is over one question is let through, and its answer closes it', () => {
  const breaker = new Breaker(limits)
  faultsAt(breaker, 0, 1, 2)
  expect([breaker.allows(5001), breaker.allows(5002), breaker.allows(5003)]).toEqual([
    false,
    true,
    false,
  ])
  breaker.answered()
  expect(breaker.state).toBe('closed')
})

test('a probe that fails opens it for as long again', () => {
  const breaker = new Breaker(limits)
  faultsAt(breaker, 0, 1, 2)
  expect(breaker.allows(5002)).toBe(true)
  expect(breaker.faulted(5100)).toBe(true)
  expect([breaker.allows(10_000), breaker.allows(10_100)]).toEqual([false, true])
})

test('a probe that was called off is tried again', () => {
  const breaker = new Breaker(limits)
  faultsAt(breaker, 0, 1, 2)
  breaker.allows(5002)
  breaker.calledOff()
  expect(breaker.allows(5003)).toBe(true)
})

test('answers of questions that were asked before it opened do not open it twice', () => {
  const breaker = new Breaker(limits)
  expect(faultsAt(breaker, 0, 1, 2, 3)).toEqual([false, false, true, false])
})
