import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  bytesOf,
  claimOf,
  delivered,
  envelopeTo,
  inTime,
  listed,
  nextTurn,
  put,
  quiet,
  spoolPath,
  spoolUnderTest,
  text,
  type SpoolUnderTest,
} from '../../test/fixtures/spool.ts'
import { fakeClock, type FakeClock } from '../testkit/fake-clock.ts'
import { fakeDisk, type FakeDisk } from '../testkit/fake-disk.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { PosternError } from '../mail/errors.ts'
import { checkSpool } from './check-spool.ts'
import { damagedFiles } from './damaged.ts'
import { HandOver } from './hand-over.ts'
import { encodeHandoverEnd } from './handover-file.ts'

const incoming = `${spoolPath}/incoming`

async function hand(disk: FakeDisk, message: string, clock: FakeClock = fakeClock()) {
  const options = { disk, clock, random: seededRandom(message.length), path: spoolPath }
  const handOver = await HandOver.begin(options)
  for (let at = 0; at < message.length; at += 1_000) {
    await handOver.write(Buffer.from(message.slice(at, at + 1_000)))
  }
  await handOver.commit(envelopeTo('bob'))
}

async function emptySpool(): Promise<FakeDisk> {
  const { queue, disk } = await spoolUnderTest()
  await queue.close()
  return disk
}

describe('a message that another program hands over', () => {
  test.each([
    ['small', 300],
    ['large', 9_000],
  ])('while no gateway runs is queued at its start, byte by byte: a %s one', async (_, size) => {
    const disk = await emptySpool()
    await hand(disk, text('handed', size))
    const { queue } = await spoolUnderTest({ disk })
    await quiet(disk)
    const { whole } = await listed(queue.entries())
    expect(whole).toHaveLength(1)
    expect((await bytesOf(whole[0]!.message)).toString()).toBe(text('handed', size))
    expect(whole[0]?.envelope).toEqual(envelopeTo('bob'))
    expect(await disk.list(incoming)).toEqual([])
  })

  test('while the gateway runs is queued when it appears, and told to who waits for mail', async () => {
    const { queue, disk } = await spoolUnderTest()
    let told = 0
    queue.onDue(() => (told += 1))
    await quiet(disk)
    for (let i = 0; i < 40; i++) await hand(disk, text(`handed ${i}`, 300 + i))
    await quiet(disk)
    expect(queue.size).toBe(40)
    expect(told).toBeGreaterThan(0)
    expect(await disk.list(incoming)).toEqual([])
  })

  test('is queued for some recipients under another reverse-path, where somebody says so', async () => {
    const disk = await emptySpool()
    const clock = fakeClock()
    const message = text('handed', 300)
    const handOver = await HandOver.begin({ disk, clock, random: seededRandom(5), path: spoolPath })
    await handOver.write(Buffer.from(message))
    await handOver.commit(envelopeTo('bob', 'far'))
    const other = { localPart: 'srs', domain: 'postern.test' }
    let fails = true
    const { queue } = await spoolUnderTest(
      { disk, clock },
      {
        handedShares: async ({ reversePath, recipients }, { header }) => {
          if (fails) throw new PosternError('DISK_FAILED', 'srs.secret')
          expect(header.all('Subject')).toEqual(['handed'])
          const [bob, far] = recipients
          return [
            { reversePath: other, recipients: far === undefined ? [] : [far] },
            { reversePath, recipients: bob === undefined ? [] : [bob] },
          ]
        },
      },
    )
    await quiet(disk)
    expect(queue.size).toBe(0)
    fails = false
    clock.advance(10_000)
    await quiet(disk)
    const { whole } = await listed(queue.entries())
    expect(whole.map(({ envelope }) => envelope)).toEqual([
      { ...envelopeTo('far'), reversePath: other },
      envelopeTo('bob'),
    ])
    expect(await disk.list(incoming)).toEqual([])
  })

  test('leaves nothing behind once it is delivered', async () => {
    const disk = await emptySpool()
    await hand(disk, text('handed', 9_000))
    const { queue, clock } = await spoolUnderTest({ disk })
    await quiet(disk)
    const [head] = queue.due(clock.now(), 10)
    await inTime(clock, queue.settle(await claimOf(queue, head!.id), [delivered], 0))
    await quiet(disk)
    expect(await disk.list(`${spoolPath}/large`)).toEqual([])
  })

  test('that is damaged is set aside, listed, and hinders no other', async () => {
    const disk = await emptySpool()
    await hand(disk, text('broken', 300))
    const [name] = await disk.list(incoming)
    disk.flip(`${incoming}/${name}`, 100)
    disk.put(`${incoming}/0-noise`, 'not a message')
    await hand(disk, text('whole', 400))
    const { queue } = await spoolUnderTest({ disk })
    await quiet(disk)
    const { whole, damaged } = await listed(queue.entries())
    expect(whole).toHaveLength(1)
    expect(damaged.map(({ path }) => path)).toEqual([
      `${spoolPath}/damaged/0-noise.incoming`,
      `${spoolPath}/damaged/${name}.incoming`,
    ])
    expect(damaged[0]?.reason).toContain('not whole')
  })

  test('waits while the disk takes nothing, and is queued when it does again', async () => {
    const disk = await emptySpool()
    await hand(disk, text('handed', 300))
    disk.fault = ({ kind }) => (kind === 'datasync' ? 'DISK_FULL' : undefined)
    const { queue, clock } = await spoolUnderTest({ disk })
    await quiet(disk)
    expect(queue.size).toBe(0)
    disk.fault = () => undefined
    clock.advance(10_000)
    await quiet(disk)
    expect(queue.size).toBe(1)
  })

  test('is taken in once though its file cannot be removed', async () => {
    const disk = await emptySpool()
    await hand(disk, text('handed', 300))
    disk.fault = ({ kind, path }) =>
      kind === 'remove' && path.startsWith(incoming) ? 'DISK_FAILED' : undefined
    const spool = await spoolUnderTest({ disk })
    await quiet(disk)
    spool.clock.advance(10_000)
    await quiet(disk)
    expect(spool.queue.size).toBe(1)
    const { queue } = await spool.reopened()
    await quiet(disk)
    expect(queue.size).toBe(1)
    disk.fault = () => undefined
    spool.clock.advance(10_000)
    await quiet(disk)
    expect(await disk.list(incoming)).toEqual([])
    expect(queue.size).toBe(1)
  })

  test('and delivered is not taken in again, though its file cannot be removed and the log moves on', async () => {
    const disk = await emptySpool()
    await hand(disk, text('handed', 300))
    disk.fault = ({ kind, path }) =>
      kind === 'remove' && path.startsWith(incoming) ? 'DISK_FAILED' : undefined
    const spool = await spoolUnderTest({ disk })
    await quiet(disk)
    const { queue, clock } = spool
    const settle = async () => {
      for (const { id } of queue.due(clock.now(), 100)) {
        await inTime(clock, queue.settle(await claimOf(queue, id), [delivered], 0))
      }
    }
    await settle()
    for (let i = 0; i < 60; i++) {
      const draft = queue.begin()
      await draft.write(Buffer.from(text(`later ${i}`, 3_000)))
      await draft.end()
      await draft.commit([
        { envelope: envelopeTo('carol'), disposition: 'deliver', headerEdits: [] },
      ])
      await settle()
    }
    expect(queue.size).toBe(0)
    expect((await spool.reopened()).queue.size).toBe(0)
  })

  test('but never finished is left alone for 36 hours, then removed', async () => {
    const disk = await emptySpool()
    const options = { disk, clock: fakeClock(), random: seededRandom(1), path: spoolPath }
    await (await HandOver.begin(options)).write(Buffer.from('half'))
    const first = await spoolUnderTest({ disk })
    await quiet(disk)
    expect(await disk.list(incoming)).toHaveLength(1)
    first.clock.advance(36 * 3_600_000)
    await first.reopened()
    await quiet(disk)
    expect(await disk.list(incoming)).toEqual([])
  })

  test('is refused where no spool is, and where it is newer', async () => {
    await expect(hand(fakeDisk(), 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const newer = fakeDisk({ [`${spoolPath}/format`]: 'postern spool 9\n' })
    await expect(hand(newer, 'x')).rejects.toMatchObject({ code: 'SPOOL_NEWER' })
  })

  test('finds the folder made in a spool that an older version left', async () => {
    const disk = fakeDisk({ [`${spoolPath}/format`]: 'postern spool 1\n' })
    await hand(disk, text('handed'))
    expect(await disk.list(incoming)).toHaveLength(1)
  })
})

describe('a user of the host', () => {
  /** As the disk of a system would say it. */
  const failing = (code: string): Error => {
    const cause = Object.assign(new Error(code), { code })
    return new PosternError('DISK_FAILED', code, { cause })
  }

  const fieldsOf = ({ events }: SpoolUnderTest['log'], name: string) =>
    events.filter(({ event }) => event === name).map(({ fields }) => fields)

  /** A file with holes: it says that it is as long as it likes. */
  async function endless(disk: FakeDisk, messageBytes: number): Promise<void> {
    const end = encodeHandoverEnd(envelopeTo('bob'), { messageBytes, messageCrc: 0 })
    const file = await disk.open(`${incoming}/000000001-0123456789abcdef`, 'create')
    const stat = file.stat.bind(file)
    file.stat = async () => ({ ...(await stat()), sizeBytes: messageBytes + end.length })
    file.read = async (at, length) =>
      at >= messageBytes
        ? end.subarray(at - messageBytes).subarray(0, length)
        : Buffer.alloc(length)
    const open = disk.open.bind(disk)
    disk.open = async (path, mode) =>
      mode === 'foreign' && path.includes('000000001-') ? file : open(path, mode)
  }

  test('cannot fill the disk with a file that is larger than what is free', async () => {
    const disk = await emptySpool()
    disk.capacityBytes = 1 << 22
    await endless(disk, 2 ** 40)
    await hand(disk, text('whole', 400))
    const { queue, log } = await spoolUnderTest({ disk })
    await quiet(disk)
    expect(queue.size).toBe(1)
    expect(fieldsOf(log, 'spool.handover-waits')[0]).toMatchObject({ files: 1 })
    expect(await disk.list(`${spoolPath}/large`)).toEqual([])
  })

  test('cannot keep the gateway at a link: nothing is asked of the path before it is open', async () => {
    const disk = await emptySpool()
    disk.put(`${incoming}/link`, '')
    const [open, stat] = [disk.open.bind(disk), disk.stat.bind(disk)]
    disk.open = async (path, mode) => {
      if (mode === 'foreign') throw failing('ELOOP')
      return open(path, mode)
    }
    disk.stat = async (path) => {
      if (path.endsWith('/link')) throw new Error('followed')
      return stat(path)
    }
    const { log } = await spoolUnderTest({ disk })
    await quiet(disk)
    expect(fieldsOf(log, 'spool.handover-damaged')).toMatchObject([{ problem: 'it is a link' }])
    expect(await disk.list(incoming)).toEqual([])
    expect(await disk.list(`${spoolPath}/damaged`)).toEqual([])
  })

  /** Files as somebody else's, by what their names begin with. */
  function owned(disk: FakeDisk, uids: Readonly<Record<string, number>>, links = 1): void {
    const uidOf = (path: string): number =>
      Object.entries(uids).find(([start]) => posix.basename(path).startsWith(start))?.[1] ?? 0
    const [open, statName] = [disk.open.bind(disk), disk.statName.bind(disk)]
    disk.open = async (path, mode) => {
      const file = await open(path, mode)
      const stat = file.stat.bind(file)
      file.stat = async () => ({ ...(await stat()), uid: uidOf(path), links })
      return file
    }
    disk.statName = async (path) => ({ ...(await statName(path)), uid: uidOf(path) })
  }

  test('cannot raise an alarm with what is no message: some of it is kept, apart, and of each owner', async () => {
    const disk = await emptySpool()
    for (let n = 0; n < 120; n++) disk.put(`${incoming}/noise-${n}`, 'not a message')
    disk.put(`${incoming}/whole-once`, text('cut short'))
    owned(disk, { noise: 1000, whole: 1001 })
    const { log, queue } = await spoolUnderTest({ disk })
    await quiet(disk)
    await queue.close()
    for (let n = 0; n < 30; n++) disk.put(`${incoming}/noise-again-${n}`, 'not a message')
    await spoolUnderTest({ disk })
    await quiet(disk)
    const names = await disk.list(`${spoolPath}/damaged`)
    expect(names.filter((name) => name.endsWith('.foreign'))).toHaveLength(101)
    expect(names).toContain('whole-once.foreign')
    expect(names).toHaveLength(101)
    expect(await disk.list(incoming)).toEqual([])
    expect(fieldsOf(log, 'spool.handover-damaged')).toEqual([])
    expect(fieldsOf(log, 'spool.handover-refused')[0]).toMatchObject({ uid: 1000 })
  })

  test('cannot hand over what is another’s by a hard link to it', async () => {
    const disk = await emptySpool()
    await hand(disk, text('private', 300))
    owned(disk, {}, 2)
    const { queue, log } = await spoolUnderTest({ disk })
    await quiet(disk)
    expect(queue.size).toBe(0)
    expect(await disk.list(incoming)).toEqual([])
    // It may be what somebody was promised, with a second name by a backup: it is not thrown away.
    const [kept] = await disk.list(`${spoolPath}/damaged`)
    expect(disk.bytes(`${spoolPath}/damaged/${kept}`).toString()).toContain(text('private', 300))
    expect(fieldsOf(log, 'spool.handover-damaged')).toMatchObject([
      { problem: 'the file has other names' },
    ])
  })

  test('cannot keep another’s file out of sight behind more names than are looked at, which never leave', async () => {
    const disk = await emptySpool()
    await hand(disk, text('seen', 300))
    const list = disk.list.bind(disk)
    const stuck = Array.from({ length: 20_000 }, (_, n) => `-${n}.part`)
    disk.list = async (path) => [...(path === incoming ? stuck : []), ...(await list(path))]
    const { queue, clock } = await spoolUnderTest({ disk })
    for (let rounds = 0; rounds < 3 && queue.size === 0; rounds++) {
      for (let turns = 0; turns < 4_000; turns++) await nextTurn()
      clock.advance(10_000)
    }
    await quiet(disk)
    expect(queue.size).toBe(1)
  })

  test('cannot tell the operator of messages that there never were', async () => {
    const { queue, disk } = await spoolUnderTest()
    await put(queue, text('a record'))
    await queue.close()
    const record = disk.bytes(`${spoolPath}/log/000001`)
    disk.put(`${incoming}/1-0-forged`, Buffer.concat([Buffer.from('why\n'), record]))
    owned(disk, { '1-': 1000 })
    await spoolUnderTest({ disk })
    await quiet(disk)
    for await (const { path, messages } of damagedFiles(disk, `${spoolPath}/damaged`)) {
      expect([path, messages]).toEqual([`${spoolPath}/damaged/1-0-forged.foreign`, []])
    }
    expect(await disk.list(`${spoolPath}/damaged`)).toHaveLength(1)
    disk.flip(`${spoolPath}/log/000001`, 70)
    expect((await checkSpool(disk, spoolPath)).damage).toHaveLength(1)
  })

  test('who has handed over very much does not keep another waiting', async () => {
    const disk = await emptySpool()
    for (let n = 0; n < 200; n++) disk.put(`${incoming}/0-${String(n).padStart(3, '0')}`, 'noise')
    await hand(disk, text('small', 300))
    owned(disk, { '0-': 1000 })
    const opened: string[] = []
    const open = disk.open.bind(disk)
    disk.open = async (path, mode) => {
      if (mode === 'foreign') opened.push(path.slice(incoming.length + 1))
      return open(path, mode)
    }
    const { queue } = await spoolUnderTest({ disk })
    await quiet(disk)
    expect(opened.findIndex((name) => !name.startsWith('0-'))).toBe(1)
    expect([queue.size, await disk.list(incoming)]).toEqual([1, []])
  })

  test('cannot have it look at a socket for ever', async () => {
    const disk = await emptySpool()
    disk.put(`${incoming}/socket`, '')
    const open = disk.open.bind(disk)
    disk.open = async (path, mode) => {
      if (mode === 'foreign') throw failing('ENXIO')
      return open(path, mode)
    }
    await spoolUnderTest({ disk })
    await quiet(disk)
    expect(await disk.list(incoming)).toEqual([])
  })

  test('who puts a folder in place of a message that is queued does not bind its record', async () => {
    const disk = await emptySpool()
    await hand(disk, text('handed', 300))
    const remove = disk.remove.bind(disk)
    let asked = 0
    disk.remove = async (path) => {
      if (!path.startsWith(incoming)) return remove(path)
      asked += 1
      throw failing('EISDIR')
    }
    const { queue, clock, log } = await spoolUnderTest({ disk })
    await quiet(disk)
    clock.advance(10_000)
    await quiet(disk)
    expect(queue.size).toBe(1)
    expect(asked).toBe(1)
    expect(fieldsOf(log, 'spool.handover-waits')).toEqual([])
  })

  test('overwrites nothing in damaged/ by a name that is there, or that is too long', async () => {
    const disk = await emptySpool()
    const long = 'n'.repeat(250)
    disk.put(`${spoolPath}/damaged/taken.incoming`, 'evidence')
    disk.put(`${incoming}/taken`, 'noise')
    disk.put(`${incoming}/${long}`, 'noise')
    await spoolUnderTest({ disk })
    await quiet(disk)
    const names = (await disk.list(`${spoolPath}/damaged`)).toSorted()
    expect(names).toHaveLength(3)
    expect(names.every((name) => name.length <= 255)).toBe(true)
    expect(disk.bytes(`${spoolPath}/damaged/taken.incoming`).toString()).toBe('evidence')
  })

  test('is told at once that an envelope is too long to be taken in', async () => {
    const disk = await emptySpool()
    const options = { disk, clock: fakeClock(), random: seededRandom(1), path: spoolPath }
    const handOver = await HandOver.begin(options)
    const many = Array.from({ length: 40_000 }, (_, at) => `${at}`.padStart(200, 'b'))
    await expect(handOver.commit(envelopeTo(...many))).rejects.toMatchObject({
      code: 'DISK_FAILED',
    })
  })
})
