import { expect, test } from 'vitest'
import { StoredMessage, type Body } from './stored-message.ts'

const head = Buffer.from('Subject: x\r\n\r\n')

/** A body that lies in a file: it must be waited for. */
const onDisk: Body = {
  sizeBytes: 4,
  async *read({ offset, length }) {
    yield Buffer.from('body').subarray(offset, offset + length)
  },
}

test('the header of a message is in memory even where its body lies in a file', () => {
  const message = new StoredMessage(head, onDisk, false)
  expect(message.inMemory({ offset: 0, length: 7 })).toEqual([Buffer.from('Subject')])
  expect(message.inMemory({ offset: 0, length: head.length })).toEqual([head])
  expect(message.inMemory({ offset: 3, length: 0 })).toEqual([])
  expect(message.inMemory({ offset: 0, length: head.length + 1 })).toBeUndefined()
  expect(message.inMemory()).toBeUndefined()
})
