import { describe, expect, test } from 'vitest'
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
import { isPosternError } from '../mail/errors.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { seededRandom } from '../testkit/seeded-random.ts'

/** Fills the disk until a commit is refused. @returns the ids that were promised */
async function fill(queue: Parameters<typeof put>[0], prefix: string): Promise<readonly string[]> {
  const ids: string[] = []
  for (let i = 0; ; i++) {
    try {
      ids.push((await put(queue, text(`${prefix}-${i}`, 1_500))).ids[0])
    } catch (error) {
      if (isPosternError(error, 'DISK_FULL')) return ids
      throw error
    }
  }
}

describe.each(['removes', 'moves'])('a log that somebody %s while it is written', (how) => {
  test('is no promise, and the next message lies in a log that is begun anew', async () => {
    const disk = fakeDisk()
    const spool = await spoolUnderTest({ disk })
    const folder = `${spoolPath}/log`
    await put(spool.queue, text('first'))
    await quiet(disk)
    await disk.makeDirectory('/elsewhere')
    for (const name of await disk.list(folder)) {
      if (how === 'removes') await disk.remove(`${folder}/${name}`)
      else await disk.rename(`${folder}/${name}`, `/elsewhere/${name}`)
    }
    await disk.remove(folder)
    await expect(put(spool.queue, text('lost'))).rejects.toMatchObject({ code: 'DISK_FAILED' })
    let ids: readonly string[] = []
    for (let tries = 0; ids.length === 0 && tries < 10; tries++) {
      spool.clock.advance(1_000)
      ids = await put(spool.queue, text('kept')).then(
        (receipt) => receipt.ids,
        () => [],
      )
    }
    const again = await spool.reopened()
    const { whole } = await listed(again.queue.entries())
    expect(whole.map(({ id }) => id)).toEqual(ids)
    expect(ids).toHaveLength(1)
  })
})

describe('a full disk', () => {
  test('refuses with DISK_FULL, loses nothing, and is used again when space returns', async () => {
    const disk = fakeDisk()
    disk.capacityBytes = 90_000
    const spool = await spoolUnderTest({ disk })
    const promised = await fill(spool.queue, 'first')
    expect(promised.length).toBeGreaterThan(20)
    await expect(put(spool.queue, text('refused', 1_500))).rejects.toMatchObject({
      code: 'DISK_FULL',
    })
    disk.capacityBytes = 500_000
    spool.clock.advance(1_000)
    const { ids } = await put(spool.queue, text('accepted'))
    const again = await spool.reopened()
    const { whole } = await listed(again.queue.entries())
    expect(whole.map(({ id }) => id)).toEqual([...promised, ...ids])
  })

  test('still takes outcomes, and has room again when messages have left', async () => {
    const disk = fakeDisk()
    disk.capacityBytes = 90_000
    const spool = await spoolUnderTest({ disk })
    const { queue, clock } = spool
    const promised = await fill(queue, 'first')
    for (const id of promised) {
      await inTime(clock, queue.settle(await claimOf(queue, id), [delivered], 0))
    }
    clock.advance(1_000)
    const more = await fill(queue, 'second')
    expect(more.length).toBeGreaterThan(promised.length / 2)
    const again = await spool.reopened()
    expect(again.queue.size).toBe(more.length)
  })

  test('leaves nothing behind that looks damaged, or brings back what was refused, where the gateway stops on it', async () => {
    const growing = { segmentBytes: 1 << 20 }
    const disk = fakeDisk()
    disk.capacityBytes = 90_000
    const spool = await spoolUnderTest({ disk }, growing)
    const promised = await fill(spool.queue, 'first')
    // The room that is there is used: it is not filled with zeros for the next segment.
    expect(promised.length).toBeGreaterThan(40)
    await spool.queue.close()
    const after = disk.afterKill()
    after.capacityBytes = 90_000
    const { queue, log } = await spoolUnderTest({ disk: after }, growing)
    const { whole } = await listed(queue.entries())
    expect(whole.map(({ id }) => id)).toEqual(promised)
    const opened = log.events.find(({ event }) => event === 'spool.opened')
    expect(opened?.fields).toMatchObject({ damaged: 0 })
  })

  test('of any size is filled by mail, and takes the outcome of each message', async () => {
    for (const capacityBytes of [40_000, 60_000, 75_000, 100_000, 200_000]) {
      const disk = fakeDisk()
      disk.capacityBytes = capacityBytes
      const { queue, clock } = await spoolUnderTest({ disk })
      const promised = await fill(queue, 'one')
      expect(promised.length * 1_800, String(capacityBytes)).toBeGreaterThan(capacityBytes / 3)
      for (const id of promised) {
        await inTime(clock, queue.settle(await claimOf(queue, id), [delivered], 0))
      }
      expect(queue.size).toBe(0)
    }
  })

  test('of large messages refuses while they are written, and leaves nothing behind', async () => {
    const disk = fakeDisk()
    const { queue } = await spoolUnderTest({ disk })
    await put(queue, text('small'))
    await quiet(disk)
    disk.capacityBytes = 60_000
    await expect(put(queue, text('large', 80_000))).rejects.toMatchObject({ code: 'DISK_FULL' })
    await quiet(disk)
    expect(await disk.list(`${spoolPath}/large`)).toEqual([])
    await put(queue, text('small again'))
  })
})

describe('a disk that fails to sync', () => {
  test('refuses with DISK_FAILED and goes on in another file, never in the same', async () => {
    const disk = fakeDisk()
    const { queue } = await spoolUnderTest({ disk })
    await put(queue, text('before'))
    await quiet(disk)
    await put(queue, text('in the prepared segment'))
    await quiet(disk)
    let failedPath = ''
    disk.fault = ({ kind, path }) => {
      if (kind !== 'datasync' || failedPath !== '') return undefined
      failedPath = path
      return 'DISK_FAILED'
    }
    await expect(put(queue, text('refused'))).rejects.toMatchObject({ code: 'DISK_FAILED' })
    const since = disk.operations.length
    await put(queue, text('after'))
    expect(disk.operations.slice(since).map(({ path }) => path)).not.toContain(failedPath)
    const again = await spoolUnderTest({ disk: disk.afterPowerCut(seededRandom(1)) })
    const { whole } = await listed(again.queue.entries())
    expect(whole.map(({ message }) => message.header.first('subject'))).toEqual([
      'before',
      'in the prepared segment',
      'after',
    ])
  })

  test('refuses for a moment without asking it again, then tries, and then works', async () => {
    const disk = fakeDisk()
    const { queue, clock } = await spoolUnderTest({ disk })
    disk.fault = ({ kind }) => (kind === 'datasync' ? 'DISK_FAILED' : undefined)
    await expect(put(queue, text('a'))).rejects.toMatchObject({ code: 'DISK_FAILED' })
    await quiet(disk)
    const asked = disk.operations.length
    await expect(put(queue, text('b'))).rejects.toMatchObject({ code: 'DISK_FAILED' })
    expect(disk.operations).toHaveLength(asked)
    disk.fault = () => undefined
    clock.advance(1_000)
    await put(queue, text('c'))
    expect(queue.size).toBe(1)
  })

  test('delays an outcome and does not lose it', async () => {
    const disk = fakeDisk()
    const spool = await spoolUnderTest({ disk })
    const { queue, clock } = spool
    const { ids } = await put(queue, text('a'))
    const claim = await claimOf(queue, ids[0])
    disk.fault = () => 'DISK_FAILED'
    const settled = queue.settle(claim, [delivered], 0)
    clock.advance(100)
    await quiet(disk)
    disk.fault = () => undefined
    await inTime(clock, settled)
    expect((await spool.reopened()).queue.size).toBe(0)
  })
})

describe('a spool in use', () => {
  test('is refused to a second gateway with SPOOL_LOCKED, until the first one closes', async () => {
    const { queue, disk } = await spoolUnderTest()
    await expect(spoolUnderTest({ disk })).rejects.toMatchObject({ code: 'SPOOL_LOCKED' })
    await queue.close()
    const second = await spoolUnderTest({ disk })
    await put(second.queue, text('mine'))
    expect(second.queue.size).toBe(1)
  })
})

describe('a spool of a newer version', () => {
  test('is refused with SPOOL_NEWER, untouched, and not left locked', async () => {
    const disk = fakeDisk({ [`${spoolPath}/format`]: 'postern spool 3\n' })
    await expect(spoolUnderTest({ disk })).rejects.toMatchObject({ code: 'SPOOL_NEWER' })
    expect(disk.operations).toEqual([])
    disk.put(`${spoolPath}/format`, 'postern spool 1\n')
    await expect(spoolUnderTest({ disk })).resolves.toBeDefined()
  })
})
