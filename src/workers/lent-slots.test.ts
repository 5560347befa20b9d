import { expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { LeasedSlots } from './leased-slots.ts'
import { LentSlots } from './lent-slots.ts'
import type { ToWorker } from './messages.ts'
import type { SlotsWanted } from './slots.ts'
import { WorkerSlot } from './worker-slot.ts'

interface Seated {
  readonly slot: WorkerSlot
  readonly heard: ToWorker[]
}

function seated(number: number): Seated {
  const heard: ToWorker[] = []
  const slot = new WorkerSlot(number, [number])
  const nothing = (): void => undefined
  const send = (message: ToWorker): void => void heard.push(message)
  slot.process = { pid: number, send, kill: nothing, attach: nothing }
  return { slot, heard }
}

const short: SlotsWanted = {
  channel: 'local',
  number: 1,
  whole: 10,
  granted: 0,
  returned: 0,
  isShort: true,
}

function heard({ slot }: Seated, lent: LentSlots, wanted: Partial<SlotsWanted>): void {
  if (slot.process !== undefined) lent.heard(slot, slot.process, { ...short, ...wanted })
}

test('what a worker is told of slots within a moment is told at once, and the last of it counts', () => {
  const clock = fakeClock()
  const both = [seated(1), seated(2)] as const
  const lent = new LentSlots(
    both.map(({ slot }) => slot),
    clock,
  )
  heard(both[0], lent, {})
  heard(both[1], lent, {})
  heard(both[0], lent, { number: 2, granted: 10, returned: 4 })
  expect(both[0].heard).toEqual([])
  clock.advance(2)
  expect(both.map(({ heard: words }) => words.length)).toEqual([1, 1])
  const [word] = both[0].heard
  expect(word?.say === 'slots' && word.granted.number).toBeGreaterThan(1)
})

test('what was to be told to a worker is not told to the one that takes its place', () => {
  const clock = fakeClock()
  const [before, next] = [seated(1), seated(1)]
  const lent = new LentSlots([before.slot], clock)
  heard(before, lent, {})
  lent.giveBack(1)
  before.slot.process = next.slot.process
  clock.advance(2)
  expect(next.heard).toEqual([])
})

test('a worker whose slots come and go within a moment says so once', () => {
  const clock = fakeClock()
  const said: SlotsWanted[] = []
  const lease = new LeasedSlots(clock, (wanted) => said.push(wanted)).open(
    'local',
    () => 10,
    () => undefined,
  )
  lease.uses(0, true)
  lease.uses(0, false)
  lease.uses(0, true)
  clock.advance(2)
  expect(said).toMatchObject([{ number: 1, isShort: true }])
})
