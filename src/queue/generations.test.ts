import { expect, test } from 'vitest'
import { recordsIn } from '../../test/fixtures/forged-records.ts'
import {
  claimOf,
  delivered,
  inTime,
  listed,
  put,
  quiet,
  spoolPath,
  spoolUnderTest,
  text,
} from '../../test/fixtures/spool.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import type { FakeDisk } from '../testkit/fake-disk.ts'

/** Where the last of what is gone lay. */
const reused = `${spoolPath}/log/000003`

/** One message is queued, and a file is free that an older segment lay in. */
async function withUsedFile() {
  const first = await spoolUnderTest()
  const { queue, disk, clock } = first
  for (let messages = 0; messages < 8; messages++) {
    const { ids } = await put(queue, text('gone', 3_000))
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [delivered], 0))
    await quiet(disk)
  }
  const next = await first.reopened()
  await put(next.queue, text('kept'))
  await next.queue.close()
  const startedAt = clock.now()
  const start = (on: FakeDisk, seconds: number) =>
    spoolUnderTest({ disk: on, clock: fakeClock(startedAt + seconds * 1000) })
  return { disk, start }
}

test('what a power cut has left of a batch that was never synced is no record of a later start', async () => {
  const { disk: before, start } = await withUsedFile()
  const cut = await start(before.afterKill(), 10)
  await put(cut.queue, text('never synced', 3_000))
  await put(cut.queue, text('nor this', 3_000))
  await cut.queue.close()
  const lost = cut.disk.bytes(reused)
  const records = recordsIn(lost)
  const survivor = records.find((record) => record.includes('nor this')) ?? Buffer.alloc(0)
  const survives = lost.indexOf(survivor)
  expect(survives, 'the file is used again').toBeGreaterThan(3_000)
  const disk = before.afterKill()
  const old = disk.bytes(reused)
  disk.put(reused, Buffer.concat([old.subarray(0, survives), lost.subarray(survives)]))

  const after = await start(disk, 60)
  await put(after.queue, text('promised'))
  await after.queue.close()
  expect(disk.bytes(reused).includes('promised')).toBe(true)
  const again = await start(disk, 120)
  const { whole, damaged } = await listed(again.queue.entries())
  expect(whole.map(({ message }) => message.header.first('subject'))).toEqual(['kept', 'promised'])
  expect(damaged).toEqual([])
})
