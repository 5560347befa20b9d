import { array, assert, asyncProperty, constantFrom, nat, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { AskedCounters } from './asked-counters.ts'
import type { Member } from './claims.ts'
import type { CountQuestion } from './counts.ts'
import type { ToWorker } from './messages.ts'
import { OwnPlaces } from './own-places.ts'
import { SharedCounts } from './shared-counts.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** A worker, and the messages that are on their way between it and the supervisor, each way in order. */
function workerOf(counts: SharedCounts, number: number, workers: number) {
  const up: (readonly CountQuestion[])[] = []
  const down: ToWorker[] = []
  const member: Member = { worker: number, send: (message) => void down.push(message) }
  const asked = new AskedCounters(fakeClock(), (questions) => void up.push(questions))
  const places = new OwnPlaces(asked)
  const mine = places.among(workers)
  const held = new Map<string, number>()
  const count = (key: string, more: number): void => {
    held.set(key, (held.get(key) ?? 0) + more)
  }
  counts.joined(member)
  // That came before it was told to open.
  for (const message of down.splice(0)) if (message.say === 'watched') places.watch(message.key)
  return {
    held,
    messages: { up, down },
    waiting: 0,
    async take(key: string, limit: number): Promise<boolean> {
      const answer = mine.take(key, limit)
      if (answer === true) count(key, 1)
      if (typeof answer === 'boolean') return answer
      this.waiting++
      const taken = await answer
      this.waiting--
      if (taken) count(key, 1)
      return taken
    },
    give(key: string): void {
      if ((held.get(key) ?? 0) === 0) return
      count(key, -1)
      mine.give(key)
    },
    /** @returns whether there was something to deliver */
    deliverUp(): boolean {
      const questions = up.shift()
      if (questions === undefined) return false
      const answers = counts.answer(member, questions)
      if (answers.length > 0) down.push({ say: 'counted', answers })
      return true
    },
    deliverDown(): boolean {
      const message = down.shift()
      if (message?.say === 'counted') asked.answered(message.answers)
      else if (message?.say === 'declare') places.declare(message.key)
      else if (message?.say === 'free') places.free(message.key)
      return message !== undefined
    },
    die(): void {
      counts.giveBack(number)
      counts.left(member)
    },
  }
}

function workersUnderTest(count: number) {
  const counts = new SharedCounts(fakeClock())
  const begin = (number: number) => workerOf(counts, number, count)
  const workers = Array.from({ length: count }, (_, number) => begin(number))
  const heldOf = (key: string): number =>
    workers.reduce((sum, { held }) => sum + (held.get(key) ?? 0), 0)
  const messages = (): number => workers.reduce((sum, { messages: { up } }) => sum + up.length, 0)
  /** Until nothing is on its way. */
  const settle = async (): Promise<void> => {
    for (let busy = true; busy;) {
      await nextTurn()
      busy = false
      for (const worker of workers) {
        while (worker.deliverUp()) busy = true
        while (worker.deliverDown()) busy = true
      }
    }
  }
  const replace = (number: number): void => {
    workers[number]?.die()
    workers[number] = begin(number)
  }
  return { workers, heldOf, settle, replace, messages }
}

describe('places that workers take', () => {
  test('cost no message up to a worker’s share of the limit', async () => {
    const { workers, messages } = workersUnderTest(2)
    for (const worker of workers) {
      for (let n = 0; n < 10; n++) expect(await worker.take('client', 20)).toBe(true)
      worker.give('client')
    }
    await nextTurn()
    expect(messages()).toBe(0)
  })

  test('reach their limit and not one more, where all of them are one worker’s', async () => {
    const { workers, settle, heldOf } = workersUnderTest(2)
    const [first, second] = workers
    await second!.take('client', 20)
    const taken = Array.from({ length: 25 }, () => first!.take('client', 20))
    await settle()
    expect((await Promise.all(taken)).filter(Boolean)).toHaveLength(19)
    const other = second!.take('client', 20)
    await settle()
    expect(await other).toBe(false)
    second!.give('client')
    await settle()
    const again = first!.take('client', 20)
    await settle()
    expect(await again).toBe(true)
    expect(heldOf('client')).toBe(20)
  })

  test('are taken without a word again once nobody holds any', async () => {
    const { workers, settle, messages } = workersUnderTest(2)
    const [first] = workers
    for (let n = 0; n < 3; n++) void first!.take('client', 4)
    await settle()
    for (let n = 0; n < 3; n++) first!.give('client')
    await settle()
    for (const worker of workers) expect(await worker.take('client', 4)).toBe(true)
    await nextTurn()
    expect(messages()).toBe(0)
  })

  test('are asked for by a worker that comes while others hold them', async () => {
    const { workers, settle, replace, heldOf } = workersUnderTest(2)
    for (let n = 0; n < 4; n++) void workers[0]!.take('client', 4)
    await settle()
    replace(1)
    await settle()
    const refused = workers[1]!.take('client', 4)
    await settle()
    expect(await refused).toBe(false)
    expect(heldOf('client')).toBe(4)
  })

  test('are answered while a worker that begins says nothing yet', async () => {
    const { workers, settle, replace } = workersUnderTest(3)
    const [first, second] = workers
    for (let n = 0; n < 2; n++) void first!.take('client', 4)
    await settle()
    replace(2)
    const taken = second!.take('client', 4)
    await nextTurn()
    second!.deliverUp()
    second!.deliverDown()
    expect(await Promise.race([taken, nextTurn()])).toBe(true)
  })

  test('never are more than the limit, whatever is on its way, and whoever dies; and nobody waits for ever', async () => {
    const what = constantFrom('take', 'take', 'take', 'give', 'up', 'down', 'up', 'down', 'die')
    const step = record({ worker: nat(2), key: constantFrom('a', 'b'), what })
    const limits: Readonly<Record<string, number>> = { a: 7, b: 2 }
    await assert(
      asyncProperty(array(step, { maxLength: 150 }), async (steps) => {
        const { workers, heldOf, settle, replace } = workersUnderTest(3)
        for (const { worker: number, key, what: does } of steps) {
          const worker = workers[number]!
          if (does === 'take') void worker.take(key, limits[key]!)
          else if (does === 'give') worker.give(key)
          else if (does === 'up') worker.deliverUp()
          else if (does === 'down') worker.deliverDown()
          else replace(number)
          await nextTurn()
          for (const [name, limit] of Object.entries(limits)) {
            if (heldOf(name) > limit) throw new Error(`${heldOf(name)} of ${name}`)
          }
        }
        await settle()
        expect(workers.map(({ waiting }) => waiting)).toEqual([0, 0, 0])
        for (const [name, limit] of Object.entries(limits)) {
          const isFree = heldOf(name) < limit
          const taken = workers[0]!.take(name, limit)
          await settle()
          expect(await taken).toBe(isFree)
        }
      }),
      { numRuns: 150 },
    )
  })
})
