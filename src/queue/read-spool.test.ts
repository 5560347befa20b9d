import { describe, expect, test } from 'vitest'
import {
  bytesOf,
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
import { fakeDisk } from '../testkit/fake-disk.ts'
import { readSpool } from './read-spool.ts'

describe('a spool that is read beside a running gateway', () => {
  test('shows what is queued, with every byte, and is not changed', async () => {
    const { queue, disk, clock } = await spoolUnderTest()
    await put(queue, text('one'))
    const { ids } = await put(queue, text('gone'))
    await put(queue, text('large', 9_000), [placement({ disposition: 'hold', reason: 'odd' })])
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [delivered], 0))
    await quiet(disk)
    const before = disk.operations.length
    const texts: string[] = []
    for await (const entry of readSpool(disk, spoolPath)) {
      if ('message' in entry) texts.push((await bytesOf(entry.message)).toString())
    }
    expect(texts).toEqual([text('one'), text('large', 9_000)])
    expect(disk.operations).toHaveLength(before)
  })

  test('lists what is damaged', async () => {
    const { queue, disk } = await spoolUnderTest()
    await put(queue, text('one'))
    await put(queue, text('two'))
    await quiet(disk)
    const bytes = disk.bytes(`${spoolPath}/log/000001`)
    disk.flip(`${spoolPath}/log/000001`, bytes.indexOf('Subject: one'))
    const { whole, damaged } = await listed(readSpool(disk, spoolPath))
    expect(whole.map(({ message }) => message.header.first('subject'))).toEqual(['two'])
    expect(damaged).toMatchObject([{ path: `${spoolPath}/log/000001` }])
    expect(damaged[0]?.reason).toContain('checksum')
  })

  test('is refused where there is none, and where it is newer', async () => {
    await expect(listed(readSpool(fakeDisk(), spoolPath))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    const newer = fakeDisk({ [`${spoolPath}/format`]: 'postern spool 9\n' })
    await expect(listed(readSpool(newer, spoolPath))).rejects.toMatchObject({ code: 'SPOOL_NEWER' })
  })

  test('that is empty shows nothing', async () => {
    const disk = fakeDisk({ [`${spoolPath}/format`]: 'postern spool 1\n' })
    expect(await listed(readSpool(disk, spoolPath))).toEqual({ whole: [], damaged: [] })
  })
})
