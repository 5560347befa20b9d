import { expect, test } from 'vitest'
import { shardPath } from '../queue/shards.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { reportDisk } from './watch-gateway.ts'

test('damaged records of a shard that was taken over count as those of its own', async () => {
  const disk = fakeDisk()
  const numbers = [0]
  disk.put(`${shardPath('/spool', 0)}/damaged/one`, 'x')
  disk.put(`${shardPath('/spool', 3)}/damaged/two`, 'x')
  const damaged = async (): Promise<number | undefined> => {
    const told = new Map<string, number>()
    await reportDisk(
      { doors: { disk }, shards: { numbers }, spool: '/spool' },
      ({ name }, value) => {
        told.set(name, value)
      },
    )
    return told.get('postern_spool_damaged_records')
  }
  expect(await damaged()).toBe(1)
  numbers.push(3)
  expect(await damaged()).toBe(2)
})
