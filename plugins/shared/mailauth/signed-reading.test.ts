import { expect, test } from 'vitest'
import { memoryMessage } from 'postern/testkit'
import { readingOf } from './signed-reading.ts'

/** Counts how often its body is read, and stops in the middle of it until `go` is called. */
function slowMessage() {
  const whole = memoryMessage('A: b\r\n\r\nhello\r\n')
  const gate = Promise.withResolvers<void>()
  let reads = 0
  const read = async function* (...range: Parameters<typeof whole.read>) {
    reads += 1
    if (reads === 1) await gate.promise
    yield* whole.read(...range)
  }
  return {
    message: { bodyOffset: whole.bodyOffset, sizeBytes: whole.sizeBytes, read },
    go: gate.resolve,
    reads: () => reads,
  }
}

test('a body is hashed once for all who ask about the message', async () => {
  const { message, go, reads } = slowMessage()
  const { signal } = new AbortController()
  const both = [readingOf(message).bodyHash(signal), readingOf(message).bodyHash(signal)]
  go()
  const [one, two] = await Promise.all(both)
  expect([two, reads()]).toEqual([one, 1])
})

test('who waits for it with somebody who is called off gets it all the same', async () => {
  const { message, go, reads } = slowMessage()
  const first = new AbortController()
  const called = readingOf(message).bodyHash(first.signal)
  const waits = readingOf(message).bodyHash(new AbortController().signal)
  first.abort()
  go()
  await expect(called).rejects.toMatchObject({ code: 'ABORTED' })
  expect(await waits).toMatch(/^[\w+/]{43}=$/)
  expect(reads()).toBe(2)
})
