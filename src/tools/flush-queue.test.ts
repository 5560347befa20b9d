import { expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryQueue } from '../testkit/memory-queue.ts'
import { flushQueue } from './flush-queue.ts'

/** A queue with one message to the given addresses, each tried once. */
async function waitingFor(...addresses: readonly string[]) {
  const clock = fakeClock()
  const queue = memoryQueue(clock)
  const draft = queue.begin()
  await draft.end()
  const recipients = addresses.map((address) => {
    const [localPart = '', domain = ''] = address.split('@')
    return { mailbox: { localPart, domain } }
  })
  const envelope = { reversePath: null, recipients, bodyType: '7bit' } as const
  await draft.commit([
    {
      envelope: { ...envelope, smtputf8: false, requireTls: false },
      disposition: 'deliver',
      headerEdits: [],
    },
  ])
  const [head] = queue.due(clock.now(), 1)
  const claim = await queue.claim(head?.id ?? '')
  if (claim === undefined) throw new Error('nothing to claim')
  const result = { status: '4.0.0', text: 'later', outcome: 'deferred' } as const
  const done = { status: '2.0.0', text: 'done', outcome: 'delivered' } as const
  const results = recipients.map(({ mailbox }) => (mailbox.localPart === 'done' ? done : result))
  await queue.settle(claim, results, clock.now() + 3_600_000)
  return { clock, queue, due: () => queue.due(clock.now(), 10).length }
}

const node = { domain: 'away.test', below: false }

test('what waits for the domain is due at once', async () => {
  const { queue, due } = await waitingFor('a@other.test', 'b@Away.TEST')
  expect(due()).toBe(0)
  expect(await flushQueue(queue).flush(node)).toEqual({ outcome: 'started', messages: 1 })
  expect(due()).toBe(1)
})

test('what waits for others, or was delivered there already, stays as it is', async () => {
  const { queue, due } = await waitingFor('a@other.test', 'done@away.test', 'c@sub.away.test')
  expect(await flushQueue(queue).flush(node)).toEqual({ outcome: 'started', messages: 0 })
  expect(due()).toBe(0)
})

test('one flush at a time: a second one is told so, and the next may go', async () => {
  const more = Promise.withResolvers<undefined>()
  const { queue } = await waitingFor('a@other.test')
  const flusher = flushQueue({
    async *entries() {
      await more.promise
      yield* queue.entries()
    },
    change: (selector, to) => queue.change(selector, to),
  })
  const first = flusher.flush(node)
  expect(await flusher.flush(node)).toEqual({ outcome: 'busy' })
  more.resolve(undefined)
  expect(await first).toEqual({ outcome: 'started', messages: 0 })
  expect(await flusher.flush(node)).toEqual({ outcome: 'started', messages: 0 })
})
