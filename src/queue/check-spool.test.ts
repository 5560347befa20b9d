import { describe, expect, test } from 'vitest'
import {
  claimOf,
  delivered,
  inTime,
  placement,
  put,
  quiet,
  spoolPath,
  spoolUnderTest,
  text,
} from '../../test/fixtures/spool.ts'
import type { FakeDisk } from '../testkit/fake-disk.ts'
import { checkSpool } from './check-spool.ts'
import { damagedFiles, type DamagedFile } from './damaged.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'

async function inDamaged(disk: FakeDisk): Promise<readonly DamagedFile[]> {
  const files: DamagedFile[] = []
  for await (const file of damagedFiles(disk, `${spoolPath}/damaged`)) files.push(file)
  return files
}

function flipIn(disk: FakeDisk, needle: string): void {
  const path = `${spoolPath}/log/000001`
  disk.flip(path, disk.bytes(path).indexOf(needle))
}

describe('a check of the spool', () => {
  test('counts what is there, beside a gateway at work, and changes nothing', async () => {
    const { queue, disk, clock } = await spoolUnderTest()
    await put(queue, text('one', 300))
    const { ids } = await put(queue, text('gone', 300))
    await put(queue, text('large', 9_000), [placement({ disposition: 'hold', reason: 'odd' })])
    await inTime(clock, queue.settle(await claimOf(queue, ids[0]), [delivered], 0))
    const unfinished = queue.begin()
    await unfinished.write(Buffer.from(text('under way', 9_000)))
    await quiet(disk)
    const before = disk.operations.length
    const check = await checkSpool(disk, spoolPath)
    expect(check).toMatchObject({ messages: 2, held: 1, messageBytes: 9_300 })
    expect(check).toMatchObject({ largeFiles: 2, damage: [], setAside: 0 })
    expect(check.unneeded).toHaveLength(1)
    expect(disk.operations).toHaveLength(before)
  })

  test('finds a body that is not what was promised, and names the message', async () => {
    const { queue, disk } = await spoolUnderTest()
    const { ids } = await put(queue, text('one'))
    await put(queue, text('two'))
    flipIn(disk, 'body body')
    const { damage } = await checkSpool(disk, spoolPath)
    expect(damage).toMatchObject([{ ids: [ids[0]], path: `${spoolPath}/log/000001` }])
    expect(damage[0]?.reason).toContain('payload')
  })

  test.each(['missing', 'changed'])('finds a large file that is %s', async (how) => {
    const { queue, disk } = await spoolUnderTest()
    const { ids } = await put(queue, text('large', 9_000))
    await put(queue, text('small'))
    const [name] = await disk.list(`${spoolPath}/large`)
    if (how === 'missing') await disk.remove(`${spoolPath}/large/${name}`)
    else disk.flip(`${spoolPath}/large/${name}`, 8_999)
    const { damage } = await checkSpool(disk, spoolPath)
    expect(damage).toMatchObject([{ ids: [ids[0]] }])
    expect(damage[0]?.reason).toContain(name)
  })

  test('counts what was set aside, and is refused where there is no spool or a newer one', async () => {
    const { queue, disk } = await spoolUnderTest()
    await put(queue, text('one'))
    await put(queue, text('two'))
    await queue.close()
    flipIn(disk, 'body body')
    await (await spoolUnderTest({ disk })).queue.close()
    expect(await checkSpool(disk, spoolPath)).toMatchObject({ damage: [], setAside: 1 })
    await expect(checkSpool(fakeDisk(), spoolPath)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const newer = fakeDisk({ [`${spoolPath}/format`]: 'postern spool 3\n' })
    await expect(checkSpool(newer, spoolPath)).rejects.toMatchObject({ code: 'SPOOL_NEWER' })
  })
})

describe('what was set aside', () => {
  test.each([
    ['its body', 'body body', true],
    ['its header', 'alice', false],
  ])('still says what it was, wherever it is damaged: %s', async (_, needle, certain) => {
    const { queue, disk } = await spoolUnderTest()
    const { ids } = await put(queue, text('one'))
    await put(queue, text('two'))
    await queue.close()
    flipIn(disk, needle)
    await (await spoolUnderTest({ disk })).queue.close()
    const [file, ...others] = await inDamaged(disk)
    expect(others).toEqual([])
    expect(file?.messages).toMatchObject([{ id: ids[0], certain }])
    expect(file?.messages[0]?.envelope.recipients[0]?.mailbox.localPart).toBe('bob')
  })

  test('from a large message tells its envelope, and has its bytes beside it', async () => {
    const { queue, disk } = await spoolUnderTest()
    const { ids } = await put(queue, text('large', 9_000))
    const [name] = await disk.list(`${spoolPath}/large`)
    disk.flip(`${spoolPath}/large/${name}`, 8_999)
    expect(await queue.claim(ids[0])).toBeUndefined()
    const [record, bytes] = await inDamaged(disk)
    expect(record?.messages).toMatchObject([{ id: ids[0], certain: true }])
    expect(bytes).toMatchObject({ messages: [], sizeBytes: 9_000 })
  })
})
