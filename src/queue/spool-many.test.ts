/** Twenty thousand messages at once: what is right for ten must be right for them, and a start must not take long. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytesOf, claimOf, deferred, delivered, put, text } from '../../test/fixtures/spool.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { openSpool } from './open-spool.ts'
import type { Queue } from './queue.ts'
import { checkSpool } from './check-spool.ts'

const count = 20_000

let path = ''
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'postern-many-'))
})
afterEach(() => {
  rmSync(path, { recursive: true })
})

const open = (): Promise<Queue> =>
  openSpool({
    disk: systemDisk,
    clock: systemClock,
    random: systemRandom,
    log: recordingLog(),
    path,
    segmentBytes: 4 << 20,
  })

/** @returns the ids, in the order of their numbers */
async function fill(queue: Queue): Promise<readonly string[]> {
  const ids: string[] = []
  let next = 0
  const session = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) {
      const receipt = await put(queue, text(`message ${number}`))
      ids[number] = receipt.ids[0]
    }
  }
  await Promise.all(Array.from({ length: 200 }, session))
  return ids
}

test(
  'a queue of 20,000 comes back whole, in order, as far as each message had come',
  { timeout: 120_000 },
  async () => {
    const queue = await open()
    const ids = await fill(queue)
    const now = Date.now()
    const settled = ids.flatMap(async (id, number) => {
      if (number % 4 === 0) return
      const claim = await claimOf(queue, id)
      // One in four is left untried, one is tried again in an hour, two are gone.
      await queue.settle(claim, [number % 4 === 1 ? deferred : delivered], now + 3_600_000 + number)
    })
    await Promise.all(settled)
    expect(queue.size).toBe(count / 2)
    await queue.close()

    const again = await open()
    expect(again.size).toBe(count / 2)
    const dueNow = again.due(Date.now(), count).map(({ id }) => id)
    const untried = ids.filter((_, number) => number % 4 === 0)
    expect(new Set(dueNow)).toEqual(new Set(untried))
    expect(dueNow).toEqual(dueNow.toSorted())
    const later = again.due(now + 7_200_000, count)
    expect(later).toHaveLength(count / 2)
    expect(later.filter(({ tries }) => tries === 1)).toHaveLength(count / 4)
    for (const number of [0, 4_000, 19_996]) {
      const { entry } = await claimOf(again, ids[number] ?? '')
      expect((await bytesOf(entry.message)).toString()).toBe(text(`message ${number}`))
    }
    expect(await checkSpool(systemDisk, path)).toMatchObject({ messages: count / 2, damage: [] })
    await again.close()
  },
)
