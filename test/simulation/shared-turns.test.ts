import { describe, expect, test } from 'vitest'
import { Lanes } from '../../src/delivery/lanes.ts'
import { fakeClock } from '../../src/testkit/fake-clock.ts'
import { AskedCounters } from '../../src/workers/asked-counters.ts'
import { SharedCounts } from '../../src/workers/shared-counts.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn++) await nextTurn()
}

/** The lanes of several workers, which ask one supervisor; what has begun, as `worker name`. */
function workersUnderTest(count: number, limits: { concurrency: number; intervalMs: number }) {
  const clock = fakeClock()
  const counts = new SharedCounts(clock)
  const begun: string[] = []
  const workers = Array.from({ length: count }, (_, number) => {
    const counters: AskedCounters = new AskedCounters(clock, (questions) =>
      setImmediate(() =>
        counters.answered(counts.answer(number, questions, (later) => counters.answered([later]))),
      ),
    )
    const lanes = new Lanes({ clock, limit: () => 10, turns: counters.turns })
    const ask = (name: string): void => {
      const request = { key: 'hop', id: name, urgency: 'first', sizeBytes: 1 } as const
      void lanes.take({ ...request, ...limits, shared: limits }).then((turn) => {
        if (turn === 'taken') begun.push(`${number} ${name}`)
      })
    }
    return { lanes, ask, end: () => lanes.give('hop', true) }
  })
  return { clock, counts, workers, begun }
}

describe('a next hop with limits', () => {
  test('has no more deliveries at a time from all workers than is said, and each in its turn', async () => {
    const { workers, begun } = workersUnderTest(3, { concurrency: 2, intervalMs: 0 })
    for (const name of ['a', 'b', 'c']) for (const { ask } of workers) ask(name)
    let underWay = 0
    for (let ended = 0; ended < 9; ended++) {
      await settled()
      underWay = begun.length - ended
      expect(underWay).toBe(Math.min(2, 9 - ended))
      workers[Number(begun[ended]?.[0])]?.end()
    }
    expect(begun.slice(0, 6)).toEqual(['0 a', '1 a', '2 a', '0 b', '1 b', '2 b'])
  })

  test('is sent to as seldom as its rate says, whoever does it', async () => {
    const { workers, begun, clock } = workersUnderTest(2, { concurrency: 5, intervalMs: 1_000 })
    for (const name of ['a', 'b']) for (const { ask } of workers) ask(name)
    const counts: number[] = []
    for (let second = 0; second < 5; second++) {
      await settled()
      counts.push(begun.length)
      clock.advance(1_000)
    }
    expect(counts).toEqual([1, 2, 3, 4, 4])
  })

  test('is free for the others where a worker dies, or wants its turn no more when it comes', async () => {
    const { workers, begun, counts } = workersUnderTest(3, { concurrency: 1, intervalMs: 0 })
    for (const { ask } of workers) {
      ask('a')
      await settled()
    }
    expect(begun).toEqual(['0 a'])
    workers[1]?.lanes.close()
    counts.giveBack(0)
    await settled()
    expect(begun).toEqual(['0 a', '2 a'])
  })
})
