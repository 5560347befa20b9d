import { describe, expect, test } from 'vitest'
import { asVersion1, forgedRecord, recordsIn } from '../../test/fixtures/forged-records.ts'
import {
  listed,
  nextTurn,
  put,
  spoolPath,
  spoolUnderTest,
  text,
} from '../../test/fixtures/spool.ts'
import type { FakeDisk } from '../testkit/fake-disk.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { checkSpool } from './check-spool.ts'
import { readSpool } from './read-spool.ts'
import { readSpoolKey, writeSpoolKey } from './spool-key.ts'
import { spoolLayout } from './spool-layout.ts'

const keyFile = `${spoolPath}/key`
const formatFile = `${spoolPath}/format`

async function written(...subjects: readonly string[]): Promise<FakeDisk> {
  const { queue, disk } = await spoolUnderTest()
  for (const subject of subjects) await put(queue, text(subject, 3_000))
  await queue.close()
  return disk
}

/** As an older version left it. */
async function ofVersion1(...subjects: readonly string[]): Promise<FakeDisk> {
  const disk = await written(...subjects)
  for (const path of await segmentsOn(disk)) disk.put(path, asVersion1(disk.bytes(path)))
  disk.put(formatFile, 'postern spool 1\n')
  await disk.remove(keyFile)
  return disk.afterKill()
}

async function segmentsOn(disk: FakeDisk): Promise<readonly string[]> {
  const names = await disk.list(`${spoolPath}/log`)
  return names.toSorted().map((name) => `${spoolPath}/log/${name}`)
}

async function opened(disk: FakeDisk) {
  const { queue, log } = await spoolUnderTest({ disk })
  const { whole, damaged } = await listed(queue.entries())
  return {
    queue,
    events: log.events.map(({ event }) => event),
    subjects: whole.map(({ message }) => message.header.first('subject') ?? ''),
    damaged,
  }
}

const six = ['1', '2', '3', '4', '5', '6']

describe('a spool of version 1, whose records had no keys', () => {
  test('is read as it is, and moved to version 2 by the next start', async () => {
    const disk = await ofVersion1(...six)
    const { whole, damaged } = await listed(readSpool(disk, spoolPath))
    expect([whole.length, damaged]).toEqual([6, []])
    expect((await checkSpool(disk, spoolPath)).damage).toEqual([])
    const { queue, subjects, events } = await opened(disk)
    expect(subjects).toEqual(six)
    expect(events).toContain('spool.upgraded')
    expect(disk.bytes(formatFile).toString()).toBe('postern spool 2\n')
    await put(queue, text('7'))
    await queue.close()
    const again = await opened(disk)
    expect(again.subjects).toEqual([...six, '7'])
    expect(again.events).not.toContain('spool.upgraded')
  })

  test('loses nothing by a power cut at any operation of the move', async () => {
    const before = await ofVersion1(...six)
    for (let cut = 1; ; cut++) {
      const disk = before.afterKill()
      disk.cutBefore = cut
      await started(disk)
      const isOver = !disk.isCut
      const after = disk.afterPowerCut(seededRandom(cut))
      const { subjects, damaged, queue } = await opened(after)
      expect(subjects, `cut before ${cut}`).toEqual(six)
      expect(damaged, `cut before ${cut}`).toEqual([])
      await queue.close()
      if (isOver) break
    }
  })

  test('is moved on a full disk, too: a file that was kept ready makes room', async () => {
    const disk = await ofVersion1(...six)
    const paths = [...(await segmentsOn(disk)), formatFile]
    disk.capacityBytes = paths.reduce((sum, path) => sum + disk.bytes(path).length, 0)
    const { subjects, events, queue } = await opened(disk)
    expect(subjects).toEqual(six)
    expect(events).toContain('spool.upgraded')
    disk.capacityBytes = Infinity
    await put(queue, text('7'))
    await queue.close()
    expect((await opened(disk.afterKill())).subjects).toEqual([...six, '7'])
  })

  test('on a full disk without such a file is left as it is, in words that say what to do', async () => {
    const disk = await ofVersion1(...six)
    const [, ...kept] = await segmentsOn(disk)
    for (const path of kept)
      if (disk.bytes(path).every((byte) => byte === 0)) await disk.remove(path)
    const paths = [...(await segmentsOn(disk)), formatFile]
    disk.capacityBytes = paths.reduce((sum, path) => sum + disk.bytes(path).length, 0)
    await expect(opened(disk)).rejects.toThrow(/no space is left .*a start writes a few KB there/)
    expect(disk.bytes(formatFile).toString()).toBe('postern spool 1\n')
    disk.capacityBytes = Infinity
    expect((await opened(disk)).subjects).toEqual(six)
  })

  test('still has what is damaged at its beginning set aside, and the rest found', async () => {
    const disk = await ofVersion1(...six)
    const [first = ''] = await segmentsOn(disk)
    disk.flip(first, 20)
    const { subjects, damaged } = await opened(disk)
    expect(subjects).toEqual(six.slice(1))
    expect(damaged).toHaveLength(1)
  })
})

describe('a spool whose key', () => {
  test.each([
    ['is lost', (disk: FakeDisk) => disk.remove(keyFile)],
    ['is damaged', async (disk: FakeDisk) => disk.flip(keyFile, 9)],
    [
      'is lost with its format',
      (disk: FakeDisk) => disk.remove(keyFile).then(() => disk.remove(formatFile)),
    ],
  ])('%s has every message all the same, and a new key from then on', async (_, lose) => {
    const disk = await written(...six)
    await lose(disk)
    expect((await listed(readSpool(disk, spoolPath))).whole).toHaveLength(6)
    const first = await opened(disk)
    expect(first.subjects).toEqual(six)
    expect(first.damaged).toEqual([])
    await put(first.queue, text('7'))
    await first.queue.close()
    const [segment = ''] = await segmentsOn(disk)
    const { subjects, events } = await opened(disk)
    expect(subjects).toEqual([...six, '7'])
    expect(events).not.toContain('spool.key-lost')
    expect(disk.bytes(segment).length).toBeGreaterThan(0)
  })

  test('is lost is told of, by a start and by fsck', async () => {
    const disk = await written('one')
    await disk.remove(keyFile)
    const { damage } = await checkSpool(disk, spoolPath)
    expect(damage).toMatchObject([{ path: keyFile, ids: [] }])
    const { events, queue } = await opened(disk)
    expect(events).toContain('spool.key-lost')
    await queue.close()
    expect((await checkSpool(disk, spoolPath)).damage).toEqual([])
  })

  test('is that of another spool has every message, and a start and fsck say so until it is put right', async () => {
    const disk = await written(...six)
    const own = disk.bytes(keyFile)
    disk.put(keyFile, (await written('other')).bytes(keyFile))
    expect((await checkSpool(disk, spoolPath)).damage).toMatchObject([{ path: keyFile, ids: [] }])
    const { subjects, damaged, events, queue } = await opened(disk)
    expect([subjects, damaged]).toEqual([six, []])
    expect(events).toContain('spool.key-foreign')
    expect(events).not.toContain('spool.key-lost')
    await queue.close()
    disk.put(keyFile, own)
    expect((await checkSpool(disk, spoolPath)).damage).toEqual([])
    expect((await opened(disk)).events).not.toContain('spool.key-foreign')
  })

  test('is that of another spool keeps what lies behind a damaged beginning, as damage', async () => {
    const disk = await written(...six)
    const [first = ''] = await segmentsOn(disk)
    disk.put(keyFile, (await written('other')).bytes(keyFile))
    disk.flip(first, 20)
    const { events, damaged } = await opened(disk)
    expect(events).toContain('spool.key-foreign')
    expect(events).toContain('spool.record-damaged')
    expect(damaged).not.toEqual([])
  })

  test('is lost together with the beginning of a segment keeps all bytes of that', async () => {
    const disk = await written(...six)
    const [first = ''] = await segmentsOn(disk)
    disk.flip(first, 20)
    await disk.remove(keyFile)
    const { damaged } = await opened(disk)
    const kept = damaged.map(({ path }) => disk.bytes(path).toString('latin1')).join('')
    expect(kept).toContain('Subject: 1\r\n')
    expect(kept).toContain('Subject: 2\r\n')
  })

  test('is lost forgets nothing of the beginning of a segment while the key is there', async () => {
    const disk = await written(...six)
    const [first = ''] = await segmentsOn(disk)
    disk.flip(first, 20)
    const { subjects, damaged } = await opened(disk)
    expect(subjects).toEqual(six.slice(1))
    expect(damaged).toHaveLength(1)
  })
})

describe('a spool that once was of version 1', () => {
  test('takes no record without a key for its own, once the last of them has gone', async () => {
    const layout = spoolLayout(spoolPath)
    const disk = await written('one')
    const key = await readSpoolKey(disk, layout)
    if (key === undefined) throw new Error('there is a key')
    await writeSpoolKey(disk, layout, { ...key, keyedFrom: 9 })
    const { queue } = await opened(disk)
    await queue.close()
    expect(await readSpoolKey(disk, layout)).toEqual({ ...key, keyedFrom: 1 })
  })

  test('starts where the disk takes no new key', async () => {
    const layout = spoolLayout(spoolPath)
    const disk = await written('one')
    const key = await readSpoolKey(disk, layout)
    if (key === undefined) throw new Error('there is a key')
    await writeSpoolKey(disk, layout, { ...key, keyedFrom: 9 })
    disk.fault = ({ path }) => (path.startsWith(keyFile) ? 'DISK_FULL' : undefined)
    expect((await opened(disk)).subjects).toEqual(['one'])
  })
})

describe('a segment whose beginning is damaged', () => {
  test('is kept to its last byte, whatever a message in it says of itself', async () => {
    const disk = await written('only one')
    const [first = ''] = await segmentsOn(disk)
    const bytes = disk.bytes(first)
    const [record = Buffer.alloc(0)] = recordsIn(bytes)
    const claimed = { version: 1, generation: 0, position: 512, batchStart: 0 } as const
    const short = Buffer.from(record.subarray(0, 64))
    short.writeUInt32LE(0, 32)
    short.writeUInt32LE(0, 36)
    bytes.set(forgedRecord(short, claimed), 512)
    // Nor has anything whole come behind it.
    bytes.fill(0, record.length)
    disk.put(first, bytes)
    disk.flip(first, 20)
    const { damaged } = await opened(disk)
    const kept = damaged.map(({ path }) => disk.bytes(path))
    expect(kept.map(({ length }) => length > 3_000)).toEqual([true])
  })

  test('and whose key is lost counts as damage, since it may hold many', async () => {
    const disk = await written(...six)
    const [first = ''] = await segmentsOn(disk)
    disk.flip(first, 20)
    await disk.remove(keyFile)
    const { events } = await opened(disk)
    expect(events).toContain('spool.record-damaged')
    expect(events).not.toContain('spool.tail-cut-short')
  })

  test('is not written over while nothing of it can be set aside', async () => {
    const disk = await written(...six)
    const [first = ''] = await segmentsOn(disk)
    disk.flip(first, 20)
    await disk.remove(keyFile)
    const before = disk.bytes(first)
    disk.fault = ({ path }) => (path.includes('/damaged/') ? 'DISK_FULL' : undefined)
    const { queue, events } = await opened(disk)
    expect(events).toContain('spool.record-not-set-aside')
    await put(queue, text('7'))
    await queue.close()
    expect(disk.bytes(first).equals(before)).toBe(true)
  })
})

/** Until the start is over, or the power is gone. */
async function started(disk: FakeDisk): Promise<void> {
  let running = true
  const over = (): void => void (running = false)
  void opened(disk).then(over, over)
  while (running && !disk.isCut) await nextTurn()
}
