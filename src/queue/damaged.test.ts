import { expect, test } from 'vitest'
import { listed } from '../../test/fixtures/spool.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { memoryMessage } from '../testkit/memory-message.ts'
import { listDamaged, setMessageAside } from './damaged.ts'

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
