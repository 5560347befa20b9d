import { describe, expect, test } from 'vitest'
import {
  claimOf,
  delivered,
  inTime,
  listed,
  placement,
  put,
  quiet,
  spoolPath,
  spoolUnderTest,
  text,
} from '../../test/fixtures/spool.ts'
import { fakeDisk, type FakeDisk } from '../testkit/fake-disk.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { checkSpool } from './check-spool.ts'
import { readHeader, recordBytes } from './record.ts'

/** A spool that was closed, and where in which file its message records lie, in order. */
interface Written {
  readonly disk: FakeDisk
  readonly records: readonly { readonly path: string; readonly at: number; readonly used: number }[]
}

async function written(...subjects: readonly string[]): Promise<Written> {
  const { queue, disk } = await spoolUnderTest()
  for (const subject of subjects) await put(queue, text(subject, 300))
  await queue.close()
  return { disk, records: await recordsOn(disk) }
}

async function recordsOn(disk: FakeDisk): Promise<Written['records']> {
  const found: Written['records'][number][] = []
  for (const name of await disk.list(`${spoolPath}/log`)) {
    const path = `${spoolPath}/log/${name}`
    const bytes = disk.bytes(path)
    let at = 0
    for (let header = readHeader(bytes, at); header; header = readHeader(bytes, at)) {
      const used = 64 + header.metaBytes + header.payloadBytes
      if (header.type === 'message') found.push({ path, at, used })
      at += recordBytes(header)
    }
  }
  return found
}

async function subjectsOf(disk: FakeDisk): Promise<{ subjects: string[]; damaged: string[] }> {
  const { queue } = await spoolUnderTest({ disk })
  const { whole, damaged } = await listed(queue.entries())
  await queue.close()
  const subjects = whole.map(({ message }) => message.header.first('subject') ?? '')
  return { subjects, damaged: damaged.map(({ reason }) => reason) }
}

describe('a damaged record', () => {
  test.each([0, 1, 2])(
    'with any bit wrong is set aside and listed, and hides no other: number %i',
    async (index) => {
      const { disk, records } = await written('one', 'two', 'three')
      const { path, at, used } = records[index]!
      const others = ['one', 'two', 'three'].filter((_, other) => other !== index)
      for (let bit = 0; bit < used * 8; bit += 7) {
        const copy = disk.afterKill()
        copy.flip(path, at + (bit >> 3), bit & 7)
        const { subjects, damaged } = await subjectsOf(copy)
        expect(subjects, `bit ${bit}`).toEqual(others)
        expect(damaged, `bit ${bit}`).toHaveLength(1)
      }
    },
  )

  test('keeps its bytes in damaged/, once, however often the spool is opened', async () => {
    const { disk, records } = await written('one', 'two')
    disk.flip(records[0]!.path, records[0]!.at + records[0]!.used - 1)
    for (let start = 0; start < 3; start++) {
      const { subjects, damaged } = await subjectsOf(disk)
      expect(subjects).toEqual(['two'])
      expect(damaged).toEqual(['the checksum of the payload does not hold'])
    }
    const [name] = await disk.list(`${spoolPath}/damaged`)
    expect(disk.bytes(`${spoolPath}/damaged/${name}`).includes('Subject: one')).toBe(true)
  })

  test('is found when it is claimed, if the disk lost it while it was queued', async () => {
    const spool = await spoolUnderTest()
    const { queue, disk, clock } = spool
    const { ids } = await put(queue, text('one'))
    await put(queue, text('two'))
    const [record] = await recordsOn(disk)
    disk.flip(record!.path, record!.at + record!.used - 1)
    expect(await queue.claim(ids[0])).toBeUndefined()
    const { whole, damaged } = await listed(queue.entries())
    expect(whole).toHaveLength(1)
    expect(damaged).toMatchObject([{ path: `${spoolPath}/damaged/${ids[0]}` }])
    expect(spool.log.events.map(({ event }) => event)).toContain('spool.record-damaged')
    clock.advance(100)
    await quiet(disk)
    expect((await spool.reopened()).queue.size).toBe(1)
  })

  test.each([
    ['missing', 1],
    ['changed', 2],
  ])('of a large message whose file is %s is listed', async (how, files) => {
    const spool = await spoolUnderTest()
    const { ids } = await put(spool.queue, text('large', 9_000))
    await put(spool.queue, text('small'))
    const [name] = await spool.disk.list(`${spoolPath}/large`)
    const path = `${spoolPath}/large/${name}`
    if (how === 'missing') await spool.disk.remove(path)
    else spool.disk.flip(path, 5_000)
    const { queue } = await spool.reopened()
    expect(await queue.claim(ids[0])).toBeUndefined()
    const { whole, damaged } = await listed(queue.entries())
    expect(whole).toHaveLength(1)
    expect(damaged.map(({ reason }) => reason).join()).toContain(name)
    expect(damaged).toHaveLength(files)
  })

  test('keeps the large files that it may have named', async () => {
    const spool = await spoolUnderTest()
    await put(spool.queue, text('large', 9_000))
    await spool.queue.close()
    const [record] = await recordsOn(spool.disk)
    spool.disk.flip(record!.path, record!.at + 70)
    const { damaged } = await subjectsOf(spool.disk)
    expect(damaged).toHaveLength(2)
    const names = await spool.disk.list(`${spoolPath}/damaged`)
    const large = names.find((name) => name.endsWith('.large'))
    expect(spool.disk.bytes(`${spoolPath}/damaged/${large}`).includes('Subject: large')).toBe(true)
  })
})

describe('a start', () => {
  test('removes the files of large messages that were never promised', async () => {
    const { queue, disk } = await spoolUnderTest()
    const draft = queue.begin()
    await draft.write(Buffer.from(text('never', 9_000)))
    const { queue: next } = await spoolUnderTest({ disk: disk.afterKill() })
    expect(next.size).toBe(0)
    const after = disk.afterKill()
    await spoolUnderTest({ disk: after })
    expect(await after.list(`${spoolPath}/large`)).toEqual([])
  })

  test('with a format file that was cut short goes on', async () => {
    const disk = fakeDisk({ [`${spoolPath}/format`]: '' })
    await spoolUnderTest({ disk })
    expect(disk.bytes(`${spoolPath}/format`).toString()).toBe('postern spool 2\n')
  })

  test('among noise in every file still works, and removes none of it unseen', async () => {
    const random = seededRandom(3)
    const disk = fakeDisk()
    for (const name of ['000001', '000002', 'not-ours']) {
      disk.put(`${spoolPath}/log/${name}`, random.bytes(20_000))
    }
    const { queue, clock } = await spoolUnderTest({ disk })
    const { ids } = await put(queue, text('one'), [placement()])
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [delivered], 0))
    const { damaged } = await listed(queue.entries())
    expect(damaged).toHaveLength(2)
  })
})

describe('the last batch', () => {
  const flipBody = (disk: FakeDisk): void => {
    const path = `${spoolPath}/log/000001`
    disk.flip(path, disk.bytes(path).indexOf('body body'))
  }
  const found = async (disk: FakeDisk) => {
    const { queue } = await spoolUnderTest({ disk })
    const { damaged } = await listed(queue.entries())
    await queue.close()
    return damaged.map(({ unproven = false }) => unproven)
  }

  test('that is cut short by a crash is kept, and told apart from damage, at every start', async () => {
    const { queue, disk } = await spoolUnderTest()
    await put(queue, text('being written'))
    const after = disk.afterKill()
    flipBody(after)
    expect(await found(after)).toEqual([true])
    expect(await found(after)).toEqual([true])
  })

  test('with a hole, behind which a record is whole, is no damage at any start, nor is a large file of it', async () => {
    const { queue, disk } = await spoolUnderTest()
    await Promise.all(['not written', 'written'].map((subject) => put(queue, text(subject))))
    const after = disk.afterKill()
    const [lost, kept] = await recordsOn(after)
    const bytes = after.bytes(lost!.path).fill(0, lost!.at, kept!.at)
    after.put(lost!.path, bytes)
    expect(await found(after)).toEqual([true])
    // The removal of its file was not synced, and the power went once more.
    after.put(`${spoolPath}/large/1079rss6pj4`, text('not written', 9_000))
    expect(await found(after)).toEqual([true, true])
    expect(await found(after)).toEqual([true, true])
    expect(await after.list(`${spoolPath}/large`)).toEqual([])
    expect((await subjectsOf(after)).subjects).toEqual(['written'])
    expect((await checkSpool(after, spoolPath)).damage).toEqual([])
  })

  test('is known to be promised when the log has been quiet for a second, without another sync', async () => {
    const { queue, disk, clock } = await spoolUnderTest()
    await put(queue, text('promised'))
    await quiet(disk)
    const syncs = (): number => disk.operations.filter(({ kind }) => /sync/.test(kind)).length
    const before = syncs()
    clock.advance(1_000)
    await quiet(disk)
    expect(syncs()).toBe(before)
    const after = disk.afterKill()
    flipBody(after)
    expect(await found(after)).toEqual([false])
  })

  test('is known to be promised when the gateway was stopped', async () => {
    const { queue, disk } = await spoolUnderTest()
    await put(queue, text('promised'))
    await queue.close()
    flipBody(disk)
    expect(await found(disk)).toEqual([false])
  })

  test('is written over its seal, and nothing is lost between them', async () => {
    const { queue, disk, clock } = await spoolUnderTest()
    for (const subject of ['one', 'two', 'three']) {
      await put(queue, text(subject))
      clock.advance(1_000)
    }
    const { queue: again } = await spoolUnderTest({ disk: disk.afterKill() })
    const { whole, damaged } = await listed(again.entries())
    expect(whole).toHaveLength(3)
    expect(damaged).toEqual([])
  })
})
