import { expect, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import type { FileStat } from '../../runtime/disk.ts'
import { examineUnit } from './system.ts'

const file: FileStat = {
  sizeBytes: 0,
  modifiedAt: 0,
  inode: 1,
  links: 1,
  kind: 'file',
  uid: 0,
  gid: 0,
  mode: 0o644,
}
const systemd = '/run/systemd/system'
const ofPackage = '/usr/lib/systemd/system/postern.service'

/** @returns what is said of the unit, of a gateway that does not run, where there are these files */
async function saysWith(...paths: readonly string[]): Promise<readonly string[]> {
  const stat = async (path: string): Promise<FileStat> => {
    if (paths.includes(path)) return file
    throw new PosternError('NOT_FOUND', path)
  }
  return (await examineUnit({ stat }, false)).map(({ remedy, says }) => remedy ?? says)
}

test('the unit is found where the package puts it, and where an administrator wrote one', async () => {
  const advice = ['systemctl enable postern', 'systemctl start postern']
  expect(await saysWith(systemd, ofPackage)).toEqual(advice)
  expect(await saysWith(systemd, '/etc/systemd/system/postern.service')).toEqual(advice)
  expect(await saysWith(systemd)).toEqual([])
  expect(await saysWith(ofPackage)).toEqual([])
})

test('a unit whose socket is enabled is started by its first client', async () => {
  const wants = '/etc/systemd/system/sockets.target.wants/postern.socket'
  const [first] = await saysWith(systemd, ofPackage, wants)
  expect(first).toBe('postern.service is started with the machine')
})
