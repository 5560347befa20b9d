import { describe, expect, test } from 'vitest'
import {
  bytesOf,
  claimOf,
  delivered,
  envelopeTo,
  inTime,
  listed,
  placement,
  put,
  quiet,
  spoolPath,
  spoolUnderTest,
  text,
} from '../../test/fixtures/spool.ts'
import { fakeDisk, type FakeDisk } from '../testkit/fake-disk.ts'
import type { Draft, Queue } from './queue.ts'
import { Receipt } from './receipt.ts'

function syncsOf(disk: FakeDisk): number {
  return disk.operations.filter(({ kind }) => /sync$/i.test(kind)).length
}

async function ended(queue: Queue, message: string): Promise<Draft> {
  const draft = queue.begin()
  const written = draft.write(Buffer.from(message))
  if (written !== undefined) await written
  await draft.end()
  return draft
}

/** What lies in `large/`. */
async function largeFiles(disk: FakeDisk): Promise<readonly string[]> {
  return disk.list(`${spoolPath}/large`)
}

describe('a commit', () => {
  test('resolves only after its bytes were synced', async () => {
    const disk = fakeDisk()
    const { queue } = await spoolUnderTest({ disk })
    await put(queue, text('one'))
    const steps = disk.operations.filter(({ path }) => path.endsWith('log/000001'))
    expect(steps.map(({ kind }) => kind)).toEqual(['create', 'write', 'datasync'])
    expect(disk.bytes(`${spoolPath}/log/000001`).includes('Subject: one')).toBe(true)
  })

  test('gives a receipt with an id for each placement, and the bytes back as they were', async () => {
    const { queue } = await spoolUnderTest()
    const receipt = await put(queue, text('twice'), [
      placement(),
      placement({ disposition: 'hold', reason: 'looks odd' }),
    ])
    expect(receipt).toBeInstanceOf(Receipt)
    const { whole } = await listed(queue.entries())
    expect(whole.map(({ id }) => id)).toEqual(receipt.ids)
    expect(whole.map(({ held, reason }) => [held, reason])).toEqual([
      [false, undefined],
      [true, 'looks odd'],
    ])
    for (const { message } of whole) {
      expect((await bytesOf(message)).toString()).toBe(text('twice'))
    }
  })

  test('alone costs one sync', async () => {
    const { queue, disk } = await spoolUnderTest()
    await put(queue, text('warm up'))
    await quiet(disk)
    await put(queue, text('moves to the prepared segment'))
    await quiet(disk)
    const before = syncsOf(disk)
    await put(queue, text('alone'))
    expect(syncsOf(disk) - before).toBe(1)
  })

  test('of 64 at once costs a sync or two', async () => {
    const { queue, disk } = await spoolUnderTest({}, { segmentBytes: 1 << 20 })
    await put(queue, text('warm up'))
    await quiet(disk)
    await put(queue, text('moves to the prepared segment'))
    await quiet(disk)
    const before = syncsOf(disk)
    await Promise.all(Array.from({ length: 64 }, (_, i) => put(queue, text(`message ${i}`))))
    expect(syncsOf(disk) - before).toBeLessThanOrEqual(2)
    expect(queue.size).toBe(66)
  })

  test('applies the header edits of each placement, and keeps the body once', async () => {
    const { queue, disk } = await spoolUnderTest()
    const body = 'unique body '.repeat(20)
    await put(queue, `Subject: edited\r\n\r\n${body}`, [
      placement({ headerEdits: [{ edit: 'prepend', name: 'X-Copy', value: 'one' }] }),
      placement({ headerEdits: [{ edit: 'replace', name: 'Subject', value: 'two' }] }),
      placement(),
    ])
    const { whole } = await listed(queue.entries())
    const texts = await Promise.all(whole.map(async ({ message }) => bytesOf(message)))
    expect(texts.map(String)).toEqual([
      `X-Copy: one\r\nSubject: edited\r\n\r\n${body}`,
      `Subject: two\r\n\r\n${body}`,
      `Subject: edited\r\n\r\n${body}`,
    ])
    expect(whole.map(({ sizeBytes }) => sizeBytes)).toEqual(texts.map(({ length }) => length))
    expect(disk.bytes(`${spoolPath}/log/000001`).toString('latin1').split(body)).toHaveLength(2)
  })

  test('with an edit that is not fit for a header fails by its promise, and keeps nothing', async () => {
    const { queue } = await spoolUnderTest()
    const edit = { edit: 'prepend', name: 'X', value: 'a\r\n\r\nb' } as const
    const refused = put(queue, text('x'), [placement({ headerEdits: [edit] })])
    await expect(refused).rejects.toMatchObject({ code: 'ERR_ASSERTION' })
    expect(queue.size).toBe(0)
  })

  test.each([
    ['small ones', 200, 300],
    ['large ones', 6_000, 7_000],
    ['a small and a large one', 200, 7_000],
  ])('of two drafts promises both by one sync: %s', async (_, one, other) => {
    const spool = await spoolUnderTest()
    const { queue, disk } = spool
    await put(queue, text('warm up'))
    await quiet(disk)
    const messages = [text('received', one), text('replaced', other)]
    const [first, second] = await Promise.all(messages.map((each) => ended(queue, each)))
    if (first === undefined || second === undefined) throw new Error('no drafts')
    const syncs = (): number => disk.operations.filter(({ kind }) => kind === 'datasync').length
    const before = syncs()
    const receipt = await first.commit([placement({ disposition: 'hold' })], {
      draft: second,
      placements: [placement({ envelope: envelopeTo('carol') })],
    })
    // Large files have syncs of their own.
    expect(syncs() - before).toBe(1)
    for (const { whole } of [
      await listed(queue.entries()),
      await listed((await spool.reopened()).queue.entries()),
    ]) {
      expect(whole.slice(1).map(({ id }) => id)).toEqual(receipt.ids)
      expect(whole.slice(1).map(({ held }) => held)).toEqual([true, false])
      const texts = await Promise.all(whole.slice(1).map(({ message }) => bytesOf(message)))
      expect(texts.map(String)).toEqual(messages)
    }
  })

  test('of two drafts that fails promises neither, and leaves nothing of either', async () => {
    const { queue, disk } = await spoolUnderTest()
    const drafts = await Promise.all([200, 9_000].map((bytes) => ended(queue, text('x', bytes))))
    const [first, second] = drafts
    if (first === undefined || second === undefined) throw new Error('no drafts')
    const edit = { edit: 'prepend', name: 'X', value: 'a\r\n\r\nb' } as const
    const beside = { draft: second, placements: [placement({ headerEdits: [edit] })] } as const
    await expect(first.commit([placement()], beside)).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
    })
    await quiet(disk)
    expect(queue.size).toBe(0)
    expect(await largeFiles(disk)).toEqual([])
  })

  test.each(['DISK_FULL', 'DISK_FAILED'] as const)(
    'of two drafts promises neither where the file of the second meets %s',
    async (code) => {
      const { queue, disk } = await spoolUnderTest()
      const [first, second] = await Promise.all([
        ended(queue, text('received', 6_000)),
        ended(queue, text('replaced', 7_000)),
      ])
      const files = await largeFiles(disk)
      disk.fault = ({ kind, path }) =>
        kind === 'sync' && path.endsWith(`/${files[1]}`) ? code : undefined
      const beside = { draft: second, placements: [placement()] } as const
      await expect(first.commit([placement()], beside)).rejects.toMatchObject({ code })
      await quiet(disk)
      expect([queue.size, await largeFiles(disk)]).toEqual([0, []])
      expect((await spoolUnderTest({ disk: disk.afterKill() })).queue.size).toBe(0)
    },
  )

  test('that discards gives its receipt and keeps nothing but the record', async () => {
    const { queue, disk } = await spoolUnderTest()
    const receipt = await put(queue, text('spam'), [placement({ disposition: 'discard' })])
    expect(receipt.ids).toHaveLength(1)
    expect(queue.size).toBe(0)
    expect(disk.bytes(`${spoolPath}/log/000001`).includes('spam')).toBe(false)
  })

  test('after close is refused with SPOOL_CLOSED', async () => {
    const { queue } = await spoolUnderTest()
    const draft = queue.begin()
    void draft.write(Buffer.from(text('late')))
    await draft.end()
    await queue.close()
    await expect(draft.commit([placement()])).rejects.toMatchObject({ code: 'SPOOL_CLOSED' })
    expect(() => queue.begin()).toThrow(expect.objectContaining({ code: 'SPOOL_CLOSED' }))
  })
})

describe('a draft', () => {
  test('that is small is written, ended and read without waiting', async () => {
    const { queue } = await spoolUnderTest()
    const draft = queue.begin()
    const chunk = Buffer.from('Subject: small\r\n\r\nbödy')
    expect(draft.write(chunk)).toBeUndefined()
    chunk.fill(0)
    const message = draft.end()
    if (message instanceof Promise) throw new Error('a promise')
    expect(message).toMatchObject({ sizeBytes: 23, bodyOffset: 18, eightBit: true })
    expect(message.header.first('subject')).toBe('small')
    expect((await bytesOf(message)).toString()).toBe('Subject: small\r\n\r\nbödy')
    const range = message.read({ offset: 9, length: 12 })
    const parts: Uint8Array[] = []
    for await (const part of range) parts.push(part)
    expect(Buffer.concat(parts).toString()).toBe('small\r\n\r\nbö')
    draft.abort()
  })

  test('that is large lies in a file of its own, synced with its folder before the record', async () => {
    const { queue, disk } = await spoolUnderTest()
    const message = text('large', 150_000)
    const { ids } = await put(queue, message)
    const [name] = await largeFiles(disk)
    const steps = disk.operations.map(({ kind, path }) => `${kind} ${path.slice(spoolPath.length)}`)
    const synced = steps.indexOf(`sync /large/${name}`)
    const named = steps.indexOf('syncDirectory /large')
    const recorded = steps.findIndex((step) => step.startsWith('datasync /log'))
    expect(synced).toBeGreaterThan(0)
    expect(synced).toBeLessThan(named)
    expect(named).toBeLessThan(recorded)
    const { entry } = await claimOf(queue, ids[0])
    expect((await bytesOf(entry.message)).toString()).toBe(message)
    expect(entry.message.header.first('subject')).toBe('large')
  })

  test('that is large is read like a small one before it is committed', async () => {
    const { queue } = await spoolUnderTest()
    const draft = queue.begin()
    const bytes = Buffer.from(text('large', 9_000))
    for (let at = 0; at < bytes.length; at += 1_000)
      await draft.write(bytes.subarray(at, at + 1_000))
    const message = await draft.end()
    expect(message).toMatchObject({ sizeBytes: 9_000, bodyOffset: 18, eightBit: false })
    expect(await bytesOf(message)).toEqual(bytes)
    draft.abort()
  })

  test('goes to a file early when all drafts together hold their share of memory', async () => {
    const { queue, disk } = await spoolUnderTest({}, { draftMemoryBytes: 8_192 })
    const drafts = [queue.begin(), queue.begin()]
    for (const draft of drafts) expect(draft.write(Buffer.from(text('first')))).toBeUndefined()
    const third = queue.begin()
    expect(third.write(Buffer.from(text('third')))).toBeInstanceOf(Promise)
    await third.end()
    expect(await largeFiles(disk)).toHaveLength(1)
    await third.commit([placement()])
    drafts[0]?.abort()
    expect(queue.begin().write(Buffer.from(text('fourth')))).toBeUndefined()
    const { whole } = await listed(queue.entries())
    expect(whole.map(({ message }) => message.header.first('subject'))).toEqual(['third'])
  })

  test.each([200, 9_000])('of %i bytes that is aborted leaves nothing', async (sizeBytes) => {
    const { queue, disk } = await spoolUnderTest()
    const draft = queue.begin()
    await draft.write(Buffer.from(text('gone', sizeBytes)))
    draft.abort()
    draft.abort()
    await quiet(disk)
    expect(await largeFiles(disk)).toEqual([])
    expect(queue.size).toBe(0)
  })

  test('with nothing but a header has no body', async () => {
    const { queue } = await spoolUnderTest()
    const draft = queue.begin()
    void draft.write(Buffer.from('Subject: only\r\n'))
    expect(await draft.end()).toMatchObject({ sizeBytes: 15, bodyOffset: 15 })
    await draft.commit([placement()])
    const { whole } = await listed(queue.entries())
    expect(whole[0]?.sizeBytes).toBe(15)
  })
})

describe('a spool that is opened again', () => {
  test('has everything as it was: envelopes, order, holds, tries', async () => {
    const spool = await spoolUnderTest()
    const { queue, clock } = spool
    const envelope = { ...envelopeTo('bøb', 'carol'), smtputf8: true, user: 'alice' }
    for (const subject of ['a', 'b', 'c']) {
      await put(queue, text(subject), [placement({ envelope })])
      clock.advance(5)
    }
    await put(queue, text('large', 9_000), [placement({ disposition: 'hold', reason: 'why not' })])
    const before = await listed(queue.entries())
    const again = await spool.reopened()
    const after = await listed(again.queue.entries())
    expect(again.queue.size).toBe(4)
    for (const [index, entry] of after.whole.entries()) {
      const { message, ...rest } = entry
      const { message: earlier, ...expected } = before.whole[index]!
      expect(rest).toEqual(expected)
      expect((await bytesOf(message)).length).toBe(earlier.sizeBytes)
    }
  })

  test('never gives an id twice', async () => {
    const spool = await spoolUnderTest()
    const ids = new Set<string>()
    let { queue } = spool
    for (let round = 0; round < 3; round++) {
      for (const id of (await put(queue, text('x'))).ids) ids.add(id)
      const { ids: discarded } = await put(queue, text('y'), [
        placement({ disposition: 'discard' }),
      ])
      ids.add(discarded[0])
      const claim = await claimOf(queue, queue.due(spool.clock.now(), 1)[0]?.id ?? '')
      await inTime(spool.clock, queue.settle(claim, [delivered], 0))
      await queue.close()
      queue = (await spoolUnderTest({ disk: spool.disk, clock: spool.clock })).queue
    }
    expect(ids.size).toBe(6)
  })
})

describe('a commit that has company', () => {
  /** Messages that are being received, none of them promised. */
  function drafts(queue: Queue, count: number): readonly Draft[] {
    return Array.from({ length: count }, () => {
      const draft = queue.begin()
      void draft.write(Buffer.from(text('on its way')))
      return draft
    })
  }

  async function committed(draft: Draft | undefined): Promise<void> {
    await draft?.end()
    await draft?.commit([placement()])
  }

  test('waits a moment for others that are on their way, and shares its sync', async () => {
    const { queue, disk, clock } = await spoolUnderTest()
    await put(queue, text('warm up'))
    await quiet(disk)
    await put(queue, text('moves to the prepared segment'))
    await quiet(disk)
    const [first, second] = drafts(queue, 10)
    const before = syncsOf(disk)
    const both = [committed(first), quiet(disk).then(() => committed(second))]
    await quiet(disk)
    await quiet(disk)
    expect(syncsOf(disk)).toBe(before)
    clock.advance(2)
    await Promise.all(both)
    expect(syncsOf(disk)).toBe(before + 1)
  })

  test('waits for a single other one where messages follow close on each other', async () => {
    const { queue, disk, clock } = await spoolUnderTest()
    await put(queue, text('warm up'))
    await quiet(disk)
    await put(queue, text('moves to the prepared segment'))
    await quiet(disk)
    clock.advance(1)
    await put(queue, text('close behind'))
    const [first, second] = drafts(queue, 2)
    const before = syncsOf(disk)
    const both = [committed(first), quiet(disk).then(() => committed(second))]
    await quiet(disk)
    await quiet(disk)
    expect(syncsOf(disk)).toBe(before)
    clock.advance(2)
    await Promise.all(both)
    expect(syncsOf(disk)).toBe(before + 1)
  })

  test('does not wait where few are on their way and far apart, or enough have come', async () => {
    const { queue, clock } = await spoolUnderTest()
    await put(queue, text('long before'))
    clock.advance(5)
    await put(queue, text('before'))
    const few = drafts(queue, 8)
    await committed(few[0])
    const many = drafts(queue, 20)
    await Promise.all(many.slice(0, 8).map(committed))
    expect(queue.size).toBe(11)
  })
})
