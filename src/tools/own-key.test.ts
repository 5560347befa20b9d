import { expect, test } from 'vitest'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { seededRandom } from '../testkit/seeded-random.ts'
import { ownKey } from './own-key.ts'

test('the key of the links is made once and kept', async () => {
  const disk = fakeDisk()
  const first = await ownKey('/var/q/key', { disk, random: seededRandom(1) })
  expect(first).toHaveLength(32)
  expect(await ownKey('/var/q/key', { disk, random: seededRandom(2) })).toEqual(first)
})

test('a file that is too short to be a key is refused, not used', async () => {
  const disk = fakeDisk()
  await disk.makeDirectory('/var')
  const file = await disk.open('/var/key', 'create')
  await file.write([Buffer.from('x')], 0)
  await file.close()
  await expect(ownKey('/var/key', { disk, random: seededRandom(1) })).rejects.toThrow('too short')
})
