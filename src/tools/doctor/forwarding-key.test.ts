import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemDisk } from '../../runtime/node/disk.ts'
import { examineForwardingKey } from './forwarding-key.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-key-'))
  await mkdir(join(folder, 'control'))
  await chmod(join(folder, 'control'), 0o755)
})
afterEach(() => rm(folder, { recursive: true }))

async function states(uid: number, srs = true): Promise<readonly string[]> {
  const configuration = { folder, delivery: { srs }, spool: { path: folder } }
  const found = await examineForwardingKey(configuration, { disk: systemDisk, uid })
  return found.map(({ state }) => state)
}

test('a key for forwarded mail that the gateway can never make is a problem, and one that is there is none', async () => {
  const { uid } = await stat(folder)
  const stranger = uid + 1
  expect(await states(stranger)).toEqual(['problem'])
  expect(await states(stranger, false)).toEqual([])
  await writeFile(join(folder, 'control/srs.secret'), 'key\n')
  expect(await states(stranger)).toEqual(['well'])
})

test('a key that the gateway may make is not missing', async () => {
  const stranger = (await stat(folder)).uid + 1
  await chmod(join(folder, 'control'), 0o775)
  expect(await states(stranger)).toEqual(['well'])
})
