import { array, assert, asyncProperty, constantFrom, nat, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { AskedCounters } from './asked-counters.ts'
import type { Member } from './claims.ts'
import { SharedCounts } from './shared-counts.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

const askerOf = (worker: number): Member => ({ worker, send: () => undefined })

/** Workers whose questions arrive one turn later, as messages do. */
function workersUnderTest(count: number) {
  const clock = fakeClock()
  const counts = new SharedCounts(clock)
  const state = { deaf: false, messages: 0 }
  const workers = Array.from({ length: count }, (_, number) => {
    const counters: AskedCounters = new AskedCounters(clock, (questions) => {
      state.messages++
      setImmediate(() => {
        const answers = counts.answer(askerOf(number), questions)
        if (!state.deaf) counters.answered(answers)
      })
    })
    return counters
  })
  return { counts, clock, workers, state }
}

describe('counts that several workers share', () => {
  test('reach their limit and not one more, whoever asks', async () => {
    const { workers } = workersUnderTest(4)
    for (let round = 0; round < 50; round++) {
      const taken = await Promise.all(
        Array.from({ length: 11 }, async (_, n) => {
          const worker = workers[(n * 7 + round) % 4]!
          return (await worker.take('key', 10)) ? [worker] : []
        }),
      )
      expect(taken.flat()).toHaveLength(10)
      for (const worker of taken.flat()) worker.give('key')
    }
    await nextTurn()
    await nextTurn()
    expect(await workers[0]?.count('key')).toBe(0)
  })

  test('are what a list of all takings says, also when workers die', async () => {
    const step = tuple(nat(2), constantFrom('a', 'b'), constantFrom('take', 'give', 'die'))
    await assert(
      asyncProperty(array(step, { maxLength: 60 }), async (steps) => {
        const { counts, workers } = workersUnderTest(3)
        let model: (readonly [worker: number, key: string])[] = []
        for (const [number, key, what] of steps) {
          const worker = workers[number]!
          if (what === 'take') {
            const free = model.filter((each) => each[1] === key).length < 3
            if ((await worker.take(key, 3)) !== free)
              throw new Error(`taken beyond ${model.length}`)
            if (free) model.push([number, key])
          } else if (what === 'give') {
            worker.give(key)
            const at = model.findIndex((each) => each[0] === number && each[1] === key)
            if (at >= 0) model.splice(at, 1)
          } else {
            counts.giveBack(number)
            model = model.filter((each) => each[0] !== number)
          }
          await nextTurn()
          await nextTurn()
          const held = model.filter((each) => each[1] === key).length
          expect(await workers[0]?.count(key)).toBe(held)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('are asked for in one message by those who ask in one turn', async () => {
    const { workers, state } = workersUnderTest(1)
    await Promise.all(Array.from({ length: 100 }, async () => workers[0]?.take('key', 50)))
    expect(state.messages).toBe(1)
  })

  test('are full for whoever gets no answer in time, and stay right when it comes too late', async () => {
    const { counts, clock, workers, state } = workersUnderTest(2)
    state.deaf = true
    const taken = workers[0]?.take('key', 1)
    await nextTurn()
    await nextTurn()
    clock.advance(5_000)
    expect(await taken).toBe(false)
    expect(counts.answer(askerOf(1), [['count', 1, 'key']])).toEqual([[1, 1]])
    state.deaf = false
    workers[0]?.answered([[1, true]])
    await nextTurn()
    await nextTurn()
    expect(counts.answer(askerOf(1), [['count', 1, 'key']])).toEqual([[1, 0]])
    expect(clock.pending).toBe(0)
  })

  test('let no more through than a rate allows, whoever spends', async () => {
    const { workers, clock } = workersUnderTest(4)
    const rates = [{ key: 'key', limit: 10, periodMs: 60_000 }]
    for (let round = 0; round < 20; round++) {
      const spent = await Promise.all(
        Array.from({ length: 15 }, async (_, n) => workers[(n * 7 + round) % 4]?.spend(rates)),
      )
      expect(spent.filter((exhausted) => exhausted === undefined)).toHaveLength(10)
      clock.advance(66_000)
    }
  })

  test('have a fault where a rate is asked for and nobody answers', async () => {
    const { workers, clock, state } = workersUnderTest(1)
    state.deaf = true
    const spent = workers[0]?.spend([{ key: 'key', limit: 1, periodMs: 1000 }])
    await nextTurn()
    clock.advance(5_000)
    await expect(spent).rejects.toThrow('the supervisor does not count')
  })
})
