import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeWorkers } from '../testkit/fake-workers.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { AdminKeeper, type AdminWish } from './admin-keeper.ts'
import type { FromAdmin, ToAdmin } from './admin-messages.ts'

const on = (settings: string): AdminWish => ({ wants: 'on', settings })

function stage(first: AdminWish = on('one')) {
  const processes = fakeWorkers<ToAdmin, FromAdmin>()
  const clock = fakeClock()
  const log = recordingLog()
  const wish = { current: first }
  const keeper = new AdminKeeper({
    folder: 'config',
    settings: () => wish.current,
    processes,
    clock,
    log,
    opened: () => undefined,
  })
  keeper.start()
  return {
    keeper,
    clock,
    log,
    started: processes.started,
    change: (next: AdminWish) => {
      wish.current = next
      keeper.reconfigured()
    },
  }
}

describe('an administration that dies', () => {
  test('comes back however often it does, after two minutes at most', () => {
    const { clock, started } = stage()
    for (let death = 1; death <= 40; death++) {
      started.at(-1)?.end(1)
      clock.advance(120_000)
      expect(started).toHaveLength(death + 1)
    }
  })

  test('is an alert once in a row of ten short lives', () => {
    const { clock, started, log } = stage()
    for (let death = 1; death <= 15; death++) {
      started.at(-1)?.end(1)
      clock.advance(120_000)
    }
    expect(log.events.filter(({ fields }) => fields['alert'] === true)).toHaveLength(1)
  })

  test('comes back at once with settings that are new', () => {
    const { clock, started, change } = stage()
    for (let death = 1; death <= 12; death++) {
      started.at(-1)?.end(1)
      if (death < 12) clock.advance(120_000)
    }
    change(on('two'))
    expect(started).toHaveLength(13)
    clock.advance(120_000)
    expect(started).toHaveLength(13)
  })
})

describe('settings of the administration', () => {
  test('that change are those of a new process, once the old one is gone', () => {
    const { started, change } = stage()
    change(on('two'))
    expect(started[0]?.told.at(-1)).toEqual({ say: 'stop' })
    expect(started).toHaveLength(1)
    started[0]?.end(0)
    expect(started).toHaveLength(2)
  })

  test('that are the same leave the process where it is', () => {
    const { started, change } = stage()
    change(on('one'))
    expect(started[0]?.told).toHaveLength(1)
  })

  test('that cannot be read now leave the process where it is', () => {
    const { started, change } = stage()
    change({ wants: 'unknown' })
    expect(started[0]?.told).toHaveLength(1)
  })

  test('that switch it off end it, and nothing comes in its place', () => {
    const { started, change, clock } = stage()
    change({ wants: 'off' })
    started[0]?.end(0)
    clock.advance(600_000)
    expect(started).toHaveLength(1)
  })

  test('that switch it on start it', () => {
    const { started, change } = stage({ wants: 'off' })
    expect(started).toHaveLength(0)
    change(on('one'))
    expect(started).toHaveLength(1)
  })

  test('do not keep a process that will not go', async () => {
    const { started, change, clock } = stage()
    change(on('two'))
    clock.advance(5_000)
    await new Promise((resolve) => void setImmediate(resolve))
    expect([started[0]?.alive, started.length]).toEqual([false, 2])
  })
})

test('an administration that is stopped stays away', async () => {
  const { keeper, started, clock, change } = stage()
  const stopped = keeper.stop()
  started[0]?.end(0)
  await stopped
  change(on('two'))
  clock.advance(600_000)
  expect(started).toHaveLength(1)
})
