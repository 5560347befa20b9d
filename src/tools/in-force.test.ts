import { expect, test } from 'vitest'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { fakeDoors } from '../testkit/fake-doors.ts'
import { InForce } from './in-force.ts'
import { KeptFiles } from './kept-files.ts'
import { readFolder } from './read-offline.ts'

const folder = '/etc/postern'
const yaml = "listeners: [{ name: mx, listen: '127.0.0.1:2525', tls: off }]\nchain: []\n"

test('what is read of the configuration leads to a reload when it says something else, and no other file beside it', async () => {
  const disk = fakeDisk({
    [`${folder}/postern.yaml`]: yaml,
    [`${folder}/control/me`]: 'mx.test\n',
    '/plugins/none': '',
  })
  const { doors } = fakeDoors()
  const reports: boolean[] = []
  const inForce = new InForce({
    folder,
    doors: { ...doors, disk },
    refuses: async () => [],
    exchanged: () => undefined,
    reloaded: ({ ok }) => void reports.push(ok),
  })
  const read = new KeptFiles(disk)
  const { configuration, mistakes } = readFolder(folder, read)
  if (configuration === undefined) throw new Error(JSON.stringify(mistakes))
  await inForce.open(configuration, read)
  inForce.follow()
  const after = async (change: () => void): Promise<readonly boolean[]> => {
    reports.length = 0
    change()
    // The watch tells of it, and what that leads to comes before this one.
    await new Promise((resolve) => void setImmediate(resolve))
    await inForce.reload()
    return reports.slice(0, -1)
  }
  expect(await after(() => disk.put(`${folder}/notes.txt`, 'ours'))).toEqual([])
  expect(await after(() => disk.put(`${folder}/control/me`, 'mx.test\n'))).toEqual([])
  expect(await after(() => disk.put(`${folder}/control/me`, 'mx2.test\n'))).toEqual([true])
  expect(await after(() => disk.put(`${folder}/control/databytes`, '1000\n'))).toEqual([true])
  expect(await after(() => disk.put(`${folder}/postern.yaml`, yaml))).toEqual([])
  expect(await after(() => disk.put(`${folder}/postern.yaml`, 'chain: 7\n'))).toEqual([false])
  // While it is not what lies there, whatever comes may be what it lacked.
  expect(await after(() => disk.put(`${folder}/notes.txt`, 'more'))).toEqual([false])
  await inForce.settle()
  await inForce.retire()
  inForce.close()
})
