import { describe, expect, test } from 'vitest'
import { memoryStore } from '../testkit/memory-store.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { Allowance } from './allowance.ts'
import { overdue } from './retention.ts'

const hour = 3_600_000
const limits = { maxAgeMs: 5, maxBytes: 100, maxMessages: 10 }

function workers(count: number) {
  const store = memoryStore(fakeClock())
  const memory = store.table('kept', { maxEntries: 100 })
  const seats = Array.from({ length: count }, (_, at) => ({ number: at + 1, workers: count }))
  return { store, allowances: seats.map((seat) => new Allowance(memory, seat)) }
}

describe('what a worker may keep', () => {
  test('is all of the limits where it is the only one, or the others keep nothing', async () => {
    const { allowances } = workers(4)
    for (const allowance of [...workers(1).allowances, ...allowances]) {
      expect(await allowance.of(limits, 0)).toMatchObject(limits)
    }
  })

  test('is what the others leave, and its even part at least', async () => {
    const [one, two] = workers(2).allowances
    await two?.keeps({ bytes: 20, messages: 1 }, 0)
    expect(await one?.of(limits, 0)).toMatchObject({ maxBytes: 80, maxMessages: 9, maxAgeMs: 5 })
    await two?.keeps({ bytes: 90, messages: 9 }, 0)
    expect(await one?.of(limits, 0)).toMatchObject({ maxBytes: 50, maxMessages: 5 })
    expect(await two?.of(limits, 0)).toMatchObject({ maxBytes: 100, maxMessages: 10 })
  })

  test('does not depend on what somebody kept who has said nothing for hours, or cannot be asked', async () => {
    const { store, allowances } = workers(2)
    const [one, two] = allowances
    await two?.keeps({ bytes: 90, messages: 9 }, 0)
    expect(await one?.of(limits, 4 * hour)).toMatchObject({ maxBytes: 100 })
    store.fail(true)
    await one?.keeps({ bytes: 1, messages: 1 }, 0)
    expect(await one?.of(limits, 0)).toMatchObject({ maxBytes: 100 })
  })

  test('does not make a message too large by itself that is within the limit of all', async () => {
    const { allowances } = workers(8)
    const large = { receivedAt: 0, sizeBytes: 60 }
    const [one] = allowances
    const allowed = await one?.of({ maxBytes: 100 }, 0)
    expect(overdue([large], allowed ?? {}, 0)).toEqual([])
  })
})
