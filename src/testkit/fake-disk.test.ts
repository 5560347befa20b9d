import { describe, expect, test } from 'vitest'
import { fakeDisk, type FakeDisk } from './fake-disk.ts'
import { seededRandom } from './seeded-random.ts'

/** What one of many power cuts leaves of a file, or `none` where its name is gone. */
function leftovers(disk: () => Promise<FakeDisk>, path: string): Promise<ReadonlySet<string>> {
  const cuts = Array.from({ length: 40 }, async (_, seed) => {
    const after = (await disk()).afterPowerCut(seededRandom(seed))
    try {
      return after.bytes(path).toString()
    } catch {
      return 'none'
    }
  })
  return Promise.all(cuts).then((all) => new Set(all))
}

async function written({ synced }: { synced: 'nothing' | 'file' | 'name' | 'both' }) {
  const disk = fakeDisk({ '/spool/other': 'x' })
  const file = await disk.open('/spool/new', 'create')
  await file.write([Buffer.from('one'), Buffer.from('two')], 0)
  if (synced === 'file' || synced === 'both') await file.sync()
  if (synced === 'name' || synced === 'both') await disk.syncDirectory('/spool')
  return disk
}

describe('a power cut', () => {
  test('may take a new file whose folder was not synced', async () => {
    const left = await leftovers(() => written({ synced: 'file' }), '/spool/new')
    expect(left).toEqual(new Set(['none', 'onetwo']))
  })

  test('may take bytes that were not synced', async () => {
    const left = await leftovers(() => written({ synced: 'name' }), '/spool/new')
    expect(left).toEqual(new Set(['', 'onetwo']))
  })

  test('takes nothing that was synced with its name', async () => {
    const left = await leftovers(() => written({ synced: 'both' }), '/spool/new')
    expect(left).toEqual(new Set(['onetwo']))
  })

  test('may tear a large write between sectors, never within', async () => {
    const left = await leftovers(async () => {
      const disk = fakeDisk({ '/file': Buffer.alloc(1_024, 'a') })
      const file = await disk.open('/file', 'write')
      file.writeNow([Buffer.alloc(1_024, 'b')], 0)
      return disk
    }, '/file')
    const halves = ['a', 'b'].map((letter) => letter.repeat(512))
    expect(left).toEqual(new Set(halves.flatMap((one) => halves.map((two) => one + two))))
  })

  test('may undo a rename whose folder was not synced', async () => {
    const left = await leftovers(async () => {
      const disk = fakeDisk({ '/spool/a': 'a', '/spool/b': 'b' })
      await disk.rename('/spool/a', '/spool/b')
      return disk
    }, '/spool/b')
    expect(left).toEqual(new Set(['a', 'b']))
  })

  test('stops everything: what comes after never returns', async () => {
    const disk = fakeDisk()
    disk.cutBefore = 2
    const file = await disk.open('/file', 'create')
    let returned = false
    void file.sync().then(() => (returned = true))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect(disk.isCut).toBe(true)
    expect(returned).toBe(false)
    expect(() => file.writeNow([Buffer.from('x')], 0)).toThrow('')
  })
})

describe('a failed sync', () => {
  test('saves nothing, and neither does the next one, though the bytes can still be read', async () => {
    const make = async (): Promise<FakeDisk> => {
      const disk = fakeDisk({ '/file': 'old' })
      const file = await disk.open('/file', 'write')
      file.writeNow([Buffer.from('new')], 0)
      disk.fault = () => 'DISK_FAILED'
      await expect(file.datasync()).rejects.toMatchObject({ code: 'DISK_FAILED' })
      disk.fault = () => undefined
      await file.datasync()
      expect(disk.bytes('/file').toString()).toBe('new')
      return disk
    }
    expect(await leftovers(make, '/file')).toEqual(new Set(['old', 'new']))
  })
})

describe('a full disk', () => {
  test('takes what fits and throws DISK_FULL', async () => {
    const disk = fakeDisk({ '/file': '' })
    disk.capacityBytes = 4
    const file = await disk.open('/file', 'write')
    expect(() => file.writeNow([Buffer.from('123456')], 0)).toThrow(
      expect.objectContaining({ code: 'DISK_FULL' }),
    )
    expect(disk.bytes('/file').toString()).toBe('1234')
  })
})

describe('a watch', () => {
  test('tells of changes in a file and in a folder, once for many', async () => {
    const disk = fakeDisk({ '/config/table': 'a' })
    const told: string[] = []
    disk.watch('/config/table', () => told.push('file'))
    const folder = disk.watch('/config', () => told.push('folder'))
    disk.put('/config/table', 'b')
    disk.put('/config/table', 'c')
    expect(told).toEqual([])
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual(['file', 'folder'])
    folder.close()
    disk.put('/config/other', 'd')
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual(['file', 'folder'])
  })
})
