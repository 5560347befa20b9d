import { describe, expect, test } from 'vitest'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { DiskDrop, type NewFile } from './file-drop.ts'

const emptyFolders = () => fakeDisk({ '/box/new/old': 'x', '/box/tmp/old': 'x' })
const fileNamed = (name: string): NewFile => ({
  draft: `/box/tmp/${name}`,
  path: `/box/new/${name}`,
  head: Buffer.from('head\n'),
  body: Buffer.from('body\n'),
})

describe('a file that is dropped', () => {
  test('is written, synced, named, and then its folder is synced', async () => {
    const disk = emptyFolders()
    await new DiskDrop(disk).put(fileNamed('a'))
    expect(disk.bytes('/box/new/a').toString()).toBe('head\nbody\n')
    expect(disk.operations.map(({ kind }) => kind)).toEqual([
      'create',
      'write',
      'sync',
      'rename',
      'syncDirectory',
    ])
  })

  test('is there after a power cut, whole, once it was said to be: wherever the cut comes', async () => {
    for (let cutBefore = 1; cutBefore <= 40; cutBefore++) {
      const disk = emptyFolders()
      disk.cutBefore = cutBefore
      const drop = new DiskDrop(disk)
      const said: string[] = []
      for (let at = 0; at < 6; at++) {
        const name = `m${at}`
        void drop.put(fileNamed(name)).then(
          () => said.push(name),
          () => undefined,
        )
      }
      // oxlint-disable-next-line no-await-in-loop -- one disk after the other
      for (let turn = 0; turn < 60; turn++) await new Promise((done) => setImmediate(done))
      const after = disk.afterPowerCut(seededRandom(cutBefore))
      for (const name of said) {
        expect(after.bytes(`/box/new/${name}`).toString(), name).toBe('head\nbody\n')
      }
      // oxlint-disable-next-line no-await-in-loop -- as above
      const names = (await after.list('/box/new')).filter((name) => name !== 'old')
      for (const name of names) {
        expect(after.bytes(`/box/new/${name}`).toString(), name).toBe('head\nbody\n')
      }
    }
  })

  test.each(['write', 'sync', 'rename'] as const)(
    'leaves nothing behind where the disk fails at %s',
    async (kind) => {
      const disk = emptyFolders()
      disk.fault = (operation) => (operation.kind === kind ? 'DISK_FULL' : undefined)
      await expect(new DiskDrop(disk).put(fileNamed('a'))).rejects.toMatchObject({
        code: 'DISK_FULL',
      })
      expect(await disk.list('/box/tmp')).toEqual(['old'])
      expect(await disk.list('/box/new')).toEqual(['old'])
    },
  )
})
