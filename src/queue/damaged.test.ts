import { expect, test } from 'vitest'
import { listed, put, spoolPath, spoolUnderTest, text } from '../../test/fixtures/spool.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { generationAt } from './record.ts'
import { damagedFiles, listDamaged, setMessageAside } from './damaged.ts'

test('a message that was not taken is kept whole and once, under a line that says why', async () => {
  const disk = fakeDisk()
  await disk.makeDirectory('/damaged')
  const text = `Subject: large\r\n\r\n${'body '.repeat(40_000)}`
  const keep = (message: string) =>
    setMessageAside(disk, '/damaged', {
      name: 'one',
      reason: 'odd',
      message: memoryMessage(message),
    })
  const path = await keep(text)
  expect(await keep('another')).toBe(path)
  expect(disk.bytes(path).toString('latin1')).toBe(`odd\n${text}`)
  const { damaged } = await listed(listDamaged(disk, '/damaged'))
  expect(damaged).toEqual([{ damaged: true, path, reason: 'odd' }])
})

test('of what an older generation of the log left in a damaged place no message is told', async () => {
  const { queue, disk } = await spoolUnderTest()
  await put(queue, text('long gone'))
  await queue.close()
  const segment = disk.bytes(`${spoolPath}/log/000001`)
  const generation = generationAt(segment, 0)
  const record = Buffer.concat([Buffer.from('why\n'), segment])
  const toldIn = new Map([
    [`${generation}-0-00000000`, 1],
    [`${generation + 1}-0-00000000`, 0],
    [`${generation + 1}-0-00000000.tail`, 0],
  ])
  for (const name of toldIn.keys()) disk.put(`${spoolPath}/damaged/${name}`, record)
  for await (const { path, messages } of damagedFiles(disk, `${spoolPath}/damaged`)) {
    expect(messages, path).toHaveLength(toldIn.get(path.slice(path.lastIndexOf('/') + 1)) ?? -1)
  }
})
