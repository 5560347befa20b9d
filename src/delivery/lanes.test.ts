import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import type { LaneRequest, Turn } from './lane.ts'
import { Lanes, type LanesOptions } from './lanes.ts'

function stage(options: Partial<LanesOptions> = {}) {
  const clock = fakeClock()
  const lanes = new Lanes({ clock, limit: () => 1, ...options })
  const begun: string[] = []
  const turns: Turn[] = []
  const ask = (key: string, name: string, request: Partial<LaneRequest> = {}) => {
    void lanes
      .take({
        key,
        id: name,
        urgency: 'first',
        sizeBytes: 1,
        concurrency: 100,
        intervalMs: 0,
        ...request,
      })
      .then((turn) => {
        turns.push(turn)
        if (turn === 'taken') begun.push(name)
      })
  }
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  /** Ends one after the other, each in the lane that its name begins with, until none begins any more. */
  const finishAll = async () => {
    await settle()
    for (let at = 0; at < begun.length; at++) {
      lanes.give(begun[at]!.split(' ')[0]!)
      await settle()
    }
    return begun
  }
  return { clock, lanes, begun, turns, ask, settle, finishAll }
}

describe('the slots', () => {
  test('are as many as the limit says now, and in the order of asking within a lane', async () => {
    let limit = 2
    const { lanes, ask, begun, settle } = stage({ limit: () => limit })
    for (const name of ['a 1', 'a 2', 'a 3', 'a 4']) ask('a', name)
    await settle()
    expect(begun).toEqual(['a 1', 'a 2'])
    limit = 3
    lanes.give('a')
    await settle()
    expect(begun).toEqual(['a 1', 'a 2', 'a 3', 'a 4'])
    expect([lanes.taken, lanes.waiting]).toEqual([3, 0])
  })

  test('go from lane to lane, so that a long one delays the others by one turn', async () => {
    const { ask, finishAll } = stage()
    for (let i = 1; i <= 5; i++) ask('long', `long ${i}`)
    ask('short', 'short 1')
    ask('other', 'other 1')
    expect((await finishAll()).slice(0, 4)).toEqual(['long 1', 'long 2', 'short 1', 'other 1'])
  })

  test('go to first tries before retries, and every fourth to a retry', async () => {
    const { ask, finishAll } = stage()
    for (let i = 1; i <= 4; i++) ask('a', `a retry${i}`, { urgency: 'retry' })
    for (let i = 1; i <= 6; i++) ask('a', `a first${i}`)
    const order = (await finishAll()).map((name) => name.slice(2))
    expect(order).toEqual([
      'retry1',
      'first1',
      'first2',
      'retry2',
      'first3',
      'first4',
      'first5',
      'retry3',
      'first6',
      'retry4',
    ])
  })

  test('of one lane are as many as it may have, however many are free', async () => {
    const { lanes, ask, begun, settle } = stage({ limit: () => 10 })
    for (let i = 1; i <= 3; i++) ask('a', `a ${i}`, { concurrency: 2 })
    ask('b', 'b 1', { concurrency: 2 })
    await settle()
    expect(begun).toEqual(['a 1', 'a 2', 'b 1'])
    lanes.give('a')
    await settle()
    expect(begun.at(-1)).toBe('a 3')
  })

  test('of one lane begin no faster than its rate, and the others do not wait for that', async () => {
    const { clock, ask, begun, settle } = stage({ limit: () => 10 })
    for (let i = 1; i <= 3; i++) ask('a', `a ${i}`, { intervalMs: 1_000 })
    ask('b', 'b 1')
    await settle()
    expect(begun).toEqual(['a 1', 'b 1'])
    clock.advance(999)
    await settle()
    expect(begun).toHaveLength(2)
    clock.advance(1)
    await settle()
    clock.advance(1_000)
    await settle()
    expect(begun).toEqual(['a 1', 'b 1', 'a 2', 'a 3'])
    expect(clock.pending).toBe(0)
  })

  test('that are reserved go to lanes only that have answered', async () => {
    const { lanes, ask, begun, settle } = stage({ limit: () => 4, reserved: () => 1 })
    ask('good', 'good 1')
    await settle()
    lanes.give('good', true)
    for (let i = 1; i <= 5; i++) ask(`dead${i}`, `dead${i} 1`)
    await settle()
    expect(begun).toEqual(['good 1', 'dead1 1', 'dead2 1', 'dead3 1'])
    for (let i = 2; i <= 4; i++) {
      ask('good', `good ${i}`)
      await settle()
      expect(begun.at(-1)).toBe(`good ${i}`)
      lanes.give('good', true)
    }
    lanes.give('dead1', false)
    await settle()
    expect(begun.at(-1)).toBe('dead4 1')
    expect(lanes.taken).toBe(3)
  })

  test('that are closed turn away those who wait and those who come', async () => {
    const { lanes, ask, turns, settle } = stage()
    ask('a', 'a 1')
    ask('a', 'a 2')
    await settle()
    lanes.close()
    ask('a', 'a 3')
    await settle()
    expect(turns).toEqual(['taken', 'closed', 'closed'])
    lanes.give('a')
    expect([lanes.taken, lanes.waiting]).toEqual([0, 0])
  })
})

describe('a crowd', () => {
  test('costs the longest lane its newest, who hear when to come again', async () => {
    const { clock, ask, turns, begun, settle } = stage({ maxWaiting: 5 })
    ask('slow', 'slow 1')
    for (let i = 2; i <= 6; i++) ask('slow', `slow ${i}`)
    ask('new', 'new 1')
    await settle()
    expect(begun).toEqual(['slow 1'])
    const away = turns.filter((turn) => typeof turn === 'object')
    expect(away).toHaveLength(1)
    expect(away[0]?.until).toBeGreaterThan(clock.now())
  })

  test('is one of bytes, too; and one that waits alone may be as large as it is', async () => {
    const { ask, turns, settle, lanes } = stage({ limit: () => 0, maxWaitingBytes: 100 })
    ask('a', 'a 1', { sizeBytes: 500 })
    await settle()
    expect(turns).toEqual([])
    ask('a', 'a 2', { sizeBytes: 500 })
    await settle()
    expect([turns.length, lanes.waiting]).toEqual([1, 1])
  })

  test('sends retries away before first tries, and each behind the one before it', async () => {
    const { clock, ask, turns, settle } = stage({ limit: () => 0, maxWaiting: 2 })
    ask('a', 'a first')
    for (let i = 0; i < 4; i++) ask('a', `a ${i}`, { urgency: 'retry', intervalMs: 2_000 })
    await settle()
    const until = turns.flatMap((turn) => (typeof turn === 'object' ? turn.until : []))
    expect(until).toHaveLength(3)
    expect(until.toSorted((a, b) => a - b)).toEqual(until)
    expect(new Set(until).size).toBe(3)
    expect(Math.max(...until) - clock.now()).toBeLessThan(900_000)
  })

  test('that is over calls back who was sent away, in their order', async () => {
    const called: string[] = []
    const { lanes, ask, begun, settle } = stage({
      maxWaiting: 2,
      callBack: (ids) => called.push(...ids),
    })
    for (let i = 1; i <= 6; i++) ask('a', `a ${i}`)
    await settle()
    expect(begun).toEqual(['a 1'])
    lanes.give('a')
    expect(called).toEqual(['a 4', 'a 5', 'a 6'])
  })

  test('that is over calls back so many at a time, of every lane in its turn', async () => {
    const calls: string[][] = []
    const { lanes, ask, settle, begun } = stage({
      maxWaiting: 3,
      callBack: (ids) => calls.push([...ids]),
    })
    ask('busy', 'busy 1')
    for (const key of ['a', 'b', 'c']) for (let i = 0; i < 600; i++) ask(key, `${key} ${i}`)
    await settle()
    lanes.give('busy')
    await settle()
    lanes.give(begun[1]!.slice(0, 1))
    const keys = calls.map((ids) => new Set(ids.map((id) => id.slice(0, 1))))
    expect(calls.map((ids) => ids.length)).toEqual([1_000, 797])
    expect([...keys[0]!, ...keys[1]!]).toEqual(['a', 'b', 'c', 'b'])
  })

  test('of a hundred thousand leaves every other lane its turn', async () => {
    const { lanes, ask, begun, settle } = stage({ limit: () => 2 })
    for (let i = 0; i < 20_000; i++) ask('huge', `huge ${i}`)
    for (let i = 0; i < 50; i++) ask(`small${i}`, `small${i} 1`)
    await settle()
    expect(lanes.waiting).toBeLessThanOrEqual(4_500)
    for (let i = 0; i < 52; i++) {
      lanes.give(begun[i]!.split(' ')[0]!)
      await settle()
    }
    expect(begun.filter((name) => name.startsWith('small'))).toHaveLength(50)
  })
})

test('whatever is asked and given, no limit is exceeded and nobody is forgotten', async () => {
  const lane = fc.constantFrom('a', 'b', 'c')
  const step = fc.oneof(
    fc.record({ ask: lane, urgency: fc.constantFrom('first' as const, 'retry' as const) }),
    fc.record({ give: lane, answers: fc.option(fc.boolean(), { nil: undefined }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const options = { limit: () => 3, reserved: () => 1, maxWaiting: 8 }
      const { lanes, ask, begun, turns, settle } = stage(options)
      const taken = new Map<string, number>()
      let asked = 0
      let seen = 0
      for (const each of steps) {
        if ('ask' in each) {
          ask(each.ask, each.ask, { urgency: each.urgency, concurrency: 2 })
          asked++
        } else if ((taken.get(each.give) ?? 0) > 0) {
          taken.set(each.give, taken.get(each.give)! - 1)
          lanes.give(each.give, each.answers)
        }
        await settle()
        for (; seen < begun.length; seen++)
          taken.set(begun[seen]!, (taken.get(begun[seen]!) ?? 0) + 1)
        const counts = [...taken.values()]
        expect(counts.every((count) => count <= 2)).toBe(true)
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(lanes.taken)
        expect(lanes.taken).toBeLessThanOrEqual(3)
        expect(turns.length + lanes.waiting).toBe(asked)
      }
      lanes.close()
      await settle()
      expect(turns).toHaveLength(asked)
    }),
    { numRuns: 50 },
  )
})
