import { describe, expect, test } from 'vitest'
import { memoryStore } from '../testkit/memory-store.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { queueId, shardOf } from '../queue/queue-id.ts'
import { Allowance } from './allowance.ts'
import { overdue } from './retention.ts'

const hour = 3_600_000
const limits = { maxAgeMs: 5, maxBytes: 100, maxMessages: 10 }

function workers(count: number) {
  const store = memoryStore(fakeClock())
  const memory = store.table('kept', { maxEntries: 100 })
  const allowances = Array.from({ length: count }, (_, shard) => {
    return new Allowance({
      memory,
      shardOf,
      seat: { number: shard + 1, workers: count, shards: [shard] },
    })
  })
  return { store, memory, allowances }
}

/** So many messages in a shard, of so many bytes together. */
function held(shard: number, count: number, bytes: number) {
  return Array.from({ length: count }, (_, at) => ({
    id: queueId(64 * (at + 1) + shard),
    sizeBytes: bytes / count,
  }))
}

describe('what a worker may keep', () => {
  test('is all of the limits where it is the only one, or the others keep nothing', async () => {
    const { allowances } = workers(4)
    for (const allowance of [...workers(1).allowances, ...allowances]) {
      expect(await allowance.of(limits, [], 0)).toMatchObject(limits)
    }
  })

  test('is what the others leave, and its even part at least', async () => {
    const [one, two] = workers(2).allowances
    await two?.keeps(held(1, 1, 20), 0)
    expect(await one?.of(limits, [], 0)).toMatchObject({
      maxBytes: 80,
      maxMessages: 9,
      maxAgeMs: 5,
    })
    await two?.keeps(held(1, 9, 90), 0)
    expect(await one?.of(limits, [], 0)).toMatchObject({ maxBytes: 50, maxMessages: 5 })
    expect(await two?.of(limits, [], 0)).toMatchObject({ maxBytes: 100, maxMessages: 10 })
  })

  test('does not depend on what somebody kept who has said nothing for hours, or cannot be asked', async () => {
    const { store, allowances } = workers(2)
    const [one, two] = allowances
    await two?.keeps(held(1, 9, 90), 0)
    expect(await one?.of(limits, [], 4 * hour)).toMatchObject({ maxBytes: 100 })
    store.fail(true)
    await one?.keeps(held(0, 1, 1), 0)
    expect(await one?.of(limits, [], 0)).toMatchObject({ maxBytes: 100 })
  })

  test('is not less for what another said of a shard that is its own by now', async () => {
    const [one, two, three] = workers(3).allowances
    await two?.keeps(held(1, 6, 60), 0)
    const inherited = [...held(0, 3, 30), ...held(1, 6, 60)]
    expect(await one?.of(limits, inherited, 1)).toMatchObject({ maxBytes: 100, maxMessages: 10 })
    await one?.keeps(inherited, 1)
    expect(await three?.of({ maxBytes: 150 }, [], 2)).toMatchObject({ maxBytes: 60 })
  })

  test('does not make a message too large by itself that is within the limit of all', async () => {
    const { allowances } = workers(8)
    const large = { receivedAt: 0, sizeBytes: 60 }
    const [one] = allowances
    const allowed = await one?.of({ maxBytes: 100 }, [], 0)
    expect(overdue([large], allowed ?? {}, 0)).toEqual([])
  })

  test('is all of them where what is written down is nothing that anybody wrote', async () => {
    const { memory, allowances } = workers(2)
    await memory.put('kept-by-2', [90, 9, 0])
    expect(await allowances[0]?.of(limits, [], 0)).toMatchObject(limits)
    await memory.put('kept-by-2', [0, [[1, 'much', 9], 7]])
    expect(await allowances[0]?.of(limits, [], 0)).toMatchObject(limits)
  })
})
