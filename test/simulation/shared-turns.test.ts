import { describe, expect, test } from 'vitest'
import { Lanes } from '../../src/delivery/lanes.ts'
import { fakeClock } from '../../src/testkit/fake-clock.ts'
import { AskedCounters } from '../../src/workers/asked-counters.ts'
import type { Member } from '../../src/workers/claims.ts'
import { SharedCounts } from '../../src/workers/shared-counts.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 6; turn++) await nextTurn()
}

/** The lanes of several workers, which ask one supervisor; what has begun, as `worker name`. */
function workersUnderTest(
  count: number,
  limits: { concurrency: number; intervalMs: number },
  slots = 10,
) {
  const clock = fakeClock()
  const counts = new SharedCounts(clock)
  const begun: string[] = []
  const workers = Array.from({ length: count }, (_, number) => {
    const member: Member = {
      worker: number,
      send: (message) => {
        if (message.say === 'counted') counters.answered(message.answers)
      },
    }
    const counters: AskedCounters = new AskedCounters(clock, (questions) =>
      setImmediate(() => counters.answered(counts.answer(member, questions))),
    )
    const lanes = new Lanes({ clock, limit: () => slots, turns: counters.turns })
    const ask = (name: string): void => {
      const request = { key: 'hop', id: name, urgency: 'first', sizeBytes: 1 } as const
      void lanes.take({ ...request, ...limits, shared: limits }).then((turn) => {
        if (turn === 'taken') begun.push(`${number} ${name}`)
      })
    }
    const elsewhere = (id: string): void => {
      const request = { key: id, id, urgency: 'first', sizeBytes: 1 } as const
      void lanes.take({ ...request, concurrency: 1, intervalMs: 0 })
    }
    return { lanes, ask, elsewhere, end: () => lanes.give('hop', true) }
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

  test('waits for no worker whose own slots are all busy', async () => {
    const { workers, begun } = workersUnderTest(2, { concurrency: 1, intervalMs: 0 }, 2)
    const [busy, free] = workers
    for (const hop of ['slow 1', 'slow 2']) busy?.elsewhere(hop)
    busy?.ask('a')
    await settled()
    for (const name of ['a', 'b']) {
      free?.ask(name)
      await settled()
      free?.end()
    }
    busy?.lanes.give('slow 1')
    await settled()
    expect(begun).toEqual(['1 a', '1 b', '0 a'])
  })

  test('keeps a slot waiting for a moment only, and its turn waits for the next slot no longer than a second', async () => {
    const { workers, begun, clock } = workersUnderTest(2, { concurrency: 1, intervalMs: 0 }, 1)
    const [busy, free] = workers
    free?.ask('a')
    await settled()
    busy?.ask('a')
    busy?.elsewhere('slow')
    await settled()
    expect(busy?.lanes.waiting).toBe(2)
    clock.advance(50)
    expect(busy?.lanes.waiting).toBe(1)
    free?.end()
    free?.ask('b')
    await settled()
    expect(begun).toEqual(['1 a'])
    clock.advance(50)
    clock.advance(950)
    await settled()
    expect(begun).toEqual(['1 a', '1 b'])
    free?.end()
    busy?.lanes.give('slow')
    await settled()
    expect(begun.at(-1)).toBe('0 a')
    busy?.end()
    expect([workers.map(({ lanes }) => lanes.taken), clock.pending]).toEqual([[0, 0], 0])
  })
})
