/** Deliveries of several workers that share the slots of a channel: real lanes, the supervisor's book, and messages that take their time. */
import { array, assert, asyncProperty, constantFrom, integer, nat, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Lanes } from '../../src/delivery/lanes.ts'
import type { LaneRequest } from '../../src/delivery/lane.ts'
import { fakeClock, type FakeClock } from '../../src/testkit/fake-clock.ts'
import { LeasedSlots } from '../../src/workers/leased-slots.ts'
import { SharedSlots } from '../../src/workers/shared-slots.ts'
import type { SlotsGranted, SlotsWanted } from '../../src/workers/slots.ts'

/** How a message travels: how long it takes, or that it never comes. */
type Travel = () => number | 'lost'

interface Job {
  readonly key: string
  readonly durationMs: number
  readonly answers: boolean
}

class SimulatedWorker {
  readonly lanes: Lanes
  readonly leased: LeasedSlots
  readonly open = new Set<Job>()
  isAlive = true
  begun = 0
  ended = 0

  constructor(
    clock: FakeClock,
    limit: () => number,
    reserved: (slots: number) => number,
    ask: (wanted: SlotsWanted) => void,
  ) {
    this.#clock = clock
    this.leased = new LeasedSlots(clock, ask)
    const lease = (whole: () => number, changed: () => void) =>
      this.leased.open('remote', whole, changed)
    this.lanes = new Lanes({ clock, limit, reserved, lease })
  }

  readonly #clock: FakeClock

  deliver(job: Job, concurrency: LaneRequest['concurrency'] = 1_000): void {
    this.open.add(job)
    const request = { id: job.key, urgency: 'first', sizeBytes: 1, intervalMs: 0 } as const
    void this.lanes.take({ key: job.key, concurrency, ...request }).then((turn) => {
      if (turn !== 'taken' || !this.isAlive) return
      this.begun++
      this.#clock.after(job.durationMs, () => {
        if (!this.isAlive) return
        this.ended++
        this.open.delete(job)
        this.lanes.give(job.key, job.answers)
      })
    })
  }
}

function stage(
  workers: number,
  {
    travel = () => 1,
    reserved = () => 0,
  }: { travel?: Travel; reserved?: (slots: number) => number } = {},
) {
  const clock = fakeClock()
  const whole = { slots: 20, messages: 0 }
  let lent = 0
  /** What each worker has told last. */
  const told = new Map<number, SlotsWanted>()
  const book: SharedSlots = new SharedSlots((number, granted) => {
    whole.messages++
    const isMore = book.lent > lent
    const most = Math.max(...[...told.values()].map((last) => last.whole))
    if (isMore && book.lent > most) throw new Error(`${book.lent} of ${most} are lent`)
    lent = book.lent
    const worker = all[number]
    send(worker, () =>
      worker?.leased.granted({ channel: 'remote', ...granted } satisfies SlotsGranted),
    )
  })
  const send = (worker: SimulatedWorker | undefined, arrive: () => void): void => {
    const takes = travel()
    if (takes !== 'lost') clock.after(takes, () => worker?.isAlive === true && arrive())
  }
  const begin = (number: number): SimulatedWorker => {
    const worker: SimulatedWorker = new SimulatedWorker(
      clock,
      () => whole.slots,
      reserved,
      (wanted) => {
        whole.messages++
        send(worker, () => {
          if (wanted.number > (told.get(number)?.number ?? 0)) told.set(number, wanted)
          book.heard(number, wanted)
          lent = book.lent
        })
      },
    )
    return worker
  }
  const all = Array.from({ length: workers }, (_, number) => begin(number))
  const taken = (): number => all.reduce((sum, { lanes }) => sum + lanes.taken, 0)
  return {
    clock,
    book,
    all,
    taken,
    whole,
    /** It dies, and another one has what it had not done. */
    die: (number: number): void => {
      const before = all[number]
      if (before === undefined) return
      before.isAlive = false
      before.lanes.close()
      told.delete(number)
      book.giveBack(number)
      lent = book.lent
      const after = begin(number)
      all[number] = after
      for (const job of before.open) after.deliver(job)
    },
    resize: (slots: number): void => {
      whole.slots = slots
      for (const { lanes } of all) lanes.limitChanged()
    },
    run: async (ms: number, stepMs = 5): Promise<void> => {
      for (let at = 0; at < ms; at += stepMs) {
        clock.advance(stepMs)
        for (let turn = 0; turn < 4; turn++) await Promise.resolve()
        if (taken() > book.lent) throw new Error(`${taken()} are taken, ${book.lent} are lent`)
      }
    },
  }
}

const job = (key = 'a', durationMs = 50, answers = true): Job => ({ key, durationMs, answers })

describe('the slots of several workers', () => {
  test('are all of the one that has mail, and it asks nobody once it has them', async () => {
    const { all, run, taken, whole } = stage(2)
    all[1]?.deliver(job())
    await run(100)
    for (let each = 0; each < 200; each++) all[0]?.deliver(job())
    await run(60)
    expect(taken()).toBe(20)
    const before = whole.messages
    await run(200)
    expect([taken(), whole.messages]).toEqual([20, before])
  })

  test('are shared evenly by those that all have more than enough, and no longer when one has none', async () => {
    const { all, run } = stage(2)
    for (let each = 0; each < 300; each++) all[0]?.deliver(job())
    await run(200)
    for (let each = 0; each < 100; each++) all[1]?.deliver(job())
    await run(200)
    expect(all.map(({ lanes }) => lanes.taken)).toEqual([10, 10])
    await run(500)
    expect(all.map(({ lanes }) => lanes.taken)).toEqual([20, 0])
  })

  test('go round where there are fewer than workers', async () => {
    const { all, run, resize, taken } = stage(3)
    resize(1)
    for (const worker of all) for (let each = 0; each < 40; each++) worker.deliver(job())
    for (let round = 0; round < 20; round++) {
      await run(50)
      expect(taken()).toBeLessThanOrEqual(1)
    }
    const ended = all.map((worker) => worker.ended)
    expect(Math.max(...ended) - Math.min(...ended)).toBeLessThanOrEqual(1)
    expect(Math.min(...ended)).toBeGreaterThanOrEqual(4)
  })

  test('follow a number that becomes smaller, none, and larger', async () => {
    const { all, run, resize, taken } = stage(2)
    for (const worker of all) for (let each = 0; each < 2_000; each++) worker.deliver(job())
    const counts: number[] = []
    for (const slots of [20, 5, 0, 30]) {
      resize(slots)
      await run(1_500)
      counts.push(taken())
    }
    expect(counts).toEqual([20, 5, 0, 30])
  })

  test('are free for the others when a worker dies', async () => {
    const { all, run, die, book } = stage(2)
    for (let each = 0; each < 20; each++) all[0]?.deliver(job('a', 1e9))
    await run(100)
    all[1]?.deliver(job())
    await run(100)
    expect([all[1]?.begun, book.lent]).toEqual([0, 20])
    all[0]?.open.clear()
    die(0)
    await run(100)
    expect(all[1]?.ended).toBe(1)
  })

  test('leave half to others than one destination, and a quarter to hops that answer, whoever delivers', async () => {
    const { all, run, taken } = stage(2, { reserved: (slots) => Math.floor(slots / 4) })
    const [left, right] = all
    for (let each = 0; each < 100; each++) left?.deliver(job('big', 400), 'half')
    await run(300)
    expect(taken()).toBe(10)
    for (let each = 0; each < 100; each++) right?.deliver(job('big', 400), 'half')
    await run(2_000)
    expect(taken()).toBe(10)
    right?.deliver(job('small', 1), 'half')
    await run(30)
    expect(right?.open.size).toBeLessThan(101)
    for (let each = 0; each < 40; each++) left?.deliver(job(`dead ${each}`, 60_000, false), 'half')
    await run(60_000)
    expect(taken()).toBeLessThanOrEqual(16)
  }, 20_000)

  test('are never too many, and every message has its turn, however workers die, numbers change and words are late or lost', async () => {
    const step = record({
      what: constantFrom('mail', 'mail', 'mail', 'die', 'resize', 'wait'),
      worker: nat(3),
      count: integer({ min: 1, max: 30 }),
    })
    const travels = array(nat(99), { minLength: 20, maxLength: 50 })
    await assert(
      asyncProperty(array(step, { maxLength: 40 }), travels, nat(4), async (steps, times, few) => {
        let message = 0
        let reliable = false
        const travel: Travel = () => {
          const takes = times[message++ % times.length] ?? 0
          return takes < few * 5 && !reliable ? 'lost' : takes / 5
        }
        const { all, run, die, resize, clock, taken, whole, book } = stage(1 + few, { travel })
        for (const { what, worker, count } of steps) {
          const number = worker % all.length
          if (what === 'die') die(number)
          else if (what === 'resize') resize(count % 7)
          else if (what === 'mail') {
            for (let each = 0; each < count; each++) all[number]?.deliver(job(`${each % 4}`, count))
          }
          await run(count * 2)
        }
        reliable = true
        resize(1 + (whole.slots % 3))
        for (let second = 0; second < 120 && all.some(({ open }) => open.size > 0); second++) {
          await run(1_000, 10)
        }
        expect(all.map(({ open }) => open.size)).toEqual(all.map(() => 0))
        await run(3_000, 50)
        expect([taken(), clock.pending]).toEqual([0, 0])
        expect(book.lent).toBeLessThanOrEqual(whole.slots)
      }),
      { numRuns: 40 },
    )
  })
})
