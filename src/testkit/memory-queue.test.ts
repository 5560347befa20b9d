import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Placement } from '../queue/queue.ts'
import { fakeClock } from './fake-clock.ts'
import { memoryQueue } from './memory-queue.ts'

const recipient = (localPart: string) => ({ mailbox: { localPart, domain: 'example.net' } })

const placement: Placement = {
  envelope: {
    reversePath: { localPart: 'ann', domain: 'example.org' },
    recipients: [recipient('bob'), recipient('cid')],
    bodyType: '7bit',
    smtputf8: false,
    requireTls: false,
  },
  disposition: 'deliver',
  headerEdits: [{ edit: 'prepend', name: 'Received', value: 'from nowhere' }],
}

async function filled() {
  const clock = fakeClock()
  const queue = memoryQueue(clock)
  const draft = queue.begin()
  await draft.write(Buffer.from('Subject: hi\r\n\r\nhello\r\n'))
  await draft.end()
  const receipt = await draft.commit([placement])
  return { clock, queue, id: receipt.ids[0] }
}

describe('the queue in memory', () => {
  test('a committed message is due at once, with its header edits applied', async () => {
    const { clock, queue, id } = await filled()
    expect(queue.due(clock.now(), 10).map((head) => head.id)).toEqual([id])
    const claim = await queue.claim(id)
    expect(claim?.entry.message.header.first('received')).toBe('from nowhere')
    expect(claim?.recipients).toHaveLength(2)
  })

  test('a claimed message can not be claimed again and is not due', async () => {
    const { clock, queue, id } = await filled()
    await queue.claim(id)
    expect(await queue.claim(id)).toBeUndefined()
    expect(queue.due(clock.now(), 10)).toEqual([])
    expect(queue.nextDueAt()).toBeUndefined()
  })

  test('a deferred recipient is due again at retryAt and alone in the next claim', async () => {
    const { clock, queue, id } = await filled()
    const claim = (await queue.claim(id))!
    const retryAt = clock.now() + 400_000
    await queue.settle(
      claim,
      [
        { outcome: 'delivered', status: '2.0.0', text: 'ok' },
        { outcome: 'deferred', status: '4.4.1', text: 'later' },
      ],
      retryAt,
    )
    expect(queue.nextDueAt()).toBe(retryAt)
    expect((await queue.claim(id))?.recipientIndexes).toEqual([1])
  })

  test('a message whose recipients are all done is gone', async () => {
    const { queue, id } = await filled()
    const claim = (await queue.claim(id))!
    const done = { outcome: 'delivered', status: '2.0.0', text: 'ok' } as const
    await queue.settle(claim, [done, done], 0)
    expect(queue.size).toBe(0)
  })

  test('listeners are told of a commit once, after it resolved', async () => {
    const { queue } = await filled()
    let told = 0
    queue.onDue(() => void told++)
    const draft = queue.begin()
    await draft.end()
    await draft.commit([placement, placement])
    expect(told).toBe(0)
    await setImmediate()
    expect(told).toBe(1)
  })

  test('a held message is neither due nor claimed until it is released', async () => {
    const { clock, queue, id } = await filled()
    expect(await queue.change({ ids: [id] }, 'hold')).toBe(1)
    expect(queue.due(clock.now(), 10)).toEqual([])
    expect(await queue.claim(id)).toBeUndefined()
    await queue.change({ ids: [id] }, 'release')
    expect(await queue.claim(id)).toBeDefined()
  })

  test('a refused commit promises nothing', async () => {
    const { queue } = await filled()
    queue.refuseNextCommit('DISK_FULL')
    const draft = queue.begin()
    await draft.end()
    await expect(draft.commit([placement])).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(queue.size).toBe(1)
    expect(queue.openDrafts).toBe(0)
  })
})
