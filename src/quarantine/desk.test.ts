import { describe, expect, test, vi } from 'vitest'
import type { Message } from '../mail/message.ts'
import { addressOf, quarantineStage } from '../testkit/quarantine-stage.ts'

type Stage = ReturnType<typeof quarantineStage>

async function filled(learners?: Parameters<typeof quarantineStage>[0]): Promise<Stage> {
  const stage = quarantineStage(learners)
  stage.keeper.start()
  await stage.hold({
    to: ['bob@here.test'],
    text: 'Subject: =?utf-8?q?Gewinn=21_f=C3=BCr_Sie?=\r\n\r\nspam\r\n',
    grounds: { score: 7.5, evidence: { scores: [['spam', 7.5]] } },
  })
  stage.clock.advance(1000)
  await stage.hold({
    from: '',
    to: ['bob@here.test', 'Cid@here.test'],
    reason: 'VIRUS',
    text: 'Subject: invoice\r\n\r\nvirus\r\n',
    grounds: { entry: 'clamav', evidence: { signature: 'Eicar' } },
  })
  stage.clock.advance(1000)
  await stage.hold({ to: ['ann@here.test'], elsewhere: true })
  return stage
}

const briefly = (found: Awaited<ReturnType<Stage['desk']['find']>>) =>
  found.map(({ recipients, subject }) => `${recipients.join()} ${subject}`)

describe.each(['by its index', 'by the queue alone'])('a search %s', (how) => {
  const prepared = async (): Promise<Stage> => {
    const stage = await filled()
    if (how === 'by its index') return stage
    const { queue, clock, log } = stage
    const { QuarantineDesk } = await import('./desk.ts')
    return { ...stage, desk: new QuarantineDesk({ queue, clock, log, learners: () => [] }) }
  }
  const spam = 'bob@here.test Gewinn! für Sie'
  const toBob = 'bob@here.test invoice'
  const toCid = 'Cid@here.test invoice'

  test.each([
    [{}, [toCid, toBob, spam]],
    [{ sender: 'Ann@ELSE.test' }, [spam]],
    [{ sender: '@else.test' }, [spam]],
    [{ sender: '<>' }, [toCid, toBob]],
    [{ recipient: 'cid@here.test' }, [toCid]],
    [{ recipient: '@here.test', subject: 'FÜR' }, [spam]],
    [{ reason: 'vir' }, [toCid, toBob]],
    [{ entry: 'clamav', recipient: 'bob@here.test' }, [toBob]],
    [{ entry: 'clam' }, []],
    [{ ids: ['t2'] }, [toCid, toBob]],
    [{ ids: ['nonsense'] }, []],
  ])('finds what %j means, newest first', async (search, expected) => {
    const { desk } = await prepared()
    expect(briefly(await desk.find(search))).toEqual(expected)
  })

  test('knows a list with a reverse-path for each recipient by its base', async () => {
    const { desk, hold } = await prepared()
    await hold({ from: 'list-@else.test-@[]', to: ['bob@here.test'] })
    expect(await desk.find({ sender: '<list-@else.test>' })).toHaveLength(1)
  })

  test('by time, and no more than was asked for', async () => {
    const { desk, clock } = await prepared()
    expect(briefly(await desk.find({ before: clock.now() - 1500 }))).toEqual([spam])
    expect(briefly(await desk.find({ after: clock.now() - 1500 }))).toEqual([toCid, toBob])
    expect(briefly(await desk.find({}, 1))).toEqual([toCid])
  })
})

describe('the desk', () => {
  test('shows why a message is held, its header, and who else waits for it', async () => {
    const { desk } = await filled()
    const [, toBob] = await desk.find({})
    const details = await desk.show(toBob?.id ?? '')
    expect(details).toMatchObject({
      held: { reason: 'VIRUS', entry: 'clamav', reversePath: '<>' },
      evidence: { signature: 'Eicar' },
      header: 'Subject: invoice\r\n\r\n',
      siblings: [{ recipients: ['Cid@here.test'] }],
    })
    expect(await desk.show('nonsense')).toBeUndefined()
  })

  test('releases a message for one recipient, and the others still wait', async () => {
    const { desk, queue, clock } = await filled()
    const released = await desk.release({ entry: 'clamav', recipient: 'bob@here.test' })
    expect(briefly(released)).toEqual(['bob@here.test invoice'])
    expect(queue.due(clock.now(), 10).map(({ id }) => id)).toEqual(released.map(({ id }) => id))
    expect(briefly(await desk.find({ entry: 'clamav' }))).toEqual(['Cid@here.test invoice'])
    expect(await desk.release({ ids: released.map(({ id }) => id) })).toEqual([])
  })

  test('releases a message for everybody for whom it is held', async () => {
    const { desk, queue, clock } = await filled()
    const everybody = await desk.withCopies({ recipient: 'cid@here.test' })
    expect(await desk.release(everybody)).toHaveLength(2)
    expect(queue.due(clock.now(), 10)).toHaveLength(2)
  })

  test('never touches what is on hold for another reason', async () => {
    const { desk, queue } = await filled()
    await desk.remove({})
    expect(queue.size).toBe(1)
  })

  test('sends a copy elsewhere, with the null reverse-path, and keeps the message', async () => {
    const { desk, queue, sent } = await filled()
    const copied = await desk.copy({ ids: ['t1'] }, addressOf('judge@here.test'))
    expect(copied).toHaveLength(1)
    expect(sent()).toEqual([{ to: 'judge', text: expect.stringContaining('spam') }])
    expect(queue.commits.at(-1)?.placement.envelope.reversePath).toBeNull()
    expect(await desk.find({ ids: ['t1'] })).toHaveLength(1)
  })

  test('finds and releases what is held while the store does not answer', async () => {
    const { desk, queue, store, hold, settled, keeper } = quarantineStage()
    keeper.start()
    const [id = ''] = await hold({ to: ['bob@here.test'] })
    await settled()
    store.fail(true)
    expect((await desk.find({})).map((held) => held.id)).toEqual([id])
    expect(await desk.release({})).toHaveLength(1)
    expect(queue.find(id)?.held).toBe(false)
    store.fail(false)
    expect(await desk.find({})).toEqual([])
    await keeper.stop()
  })

  test('finds what is held beyond the room of its index', async () => {
    const { desk, hold, keeper, pass, table } = quarantineStage([], 3)
    keeper.start()
    const ids: string[] = []
    for (const name of ['one', 'two', 'three', 'four', 'five']) {
      ids.unshift(...(await hold({ to: [`${name}@here.test`] })))
    }
    const found = async () => (await desk.find({})).map(({ id }) => id)
    expect(await found()).toEqual(ids)
    await pass(3 * 3_600_000)
    expect(await found()).toEqual(ids)
    // The newest have stayed in it.
    expect(await table.get(ids[0] ?? '')).toBeDefined()
    await keeper.stop()
  })

  test('releases what is held before its keeper has gone through the queue', async () => {
    const { desk, queue, hold, keeper } = quarantineStage()
    const [id = ''] = await hold({ to: ['bob@here.test'] })
    keeper.start()
    expect((await desk.release({})).map((held) => held.id)).toEqual([id])
    expect(queue.find(id)?.held).toBe(false)
    await keeper.stop()
  })

  test('releases what came a moment ago, and has no row yet', async () => {
    const { desk, table, hold, settled, keeper } = quarantineStage()
    keeper.start()
    await settled()
    const { promise, resolve } = Promise.withResolvers<void>()
    const put = vi.spyOn(table, 'put').mockReturnValue(promise)
    const [id = ''] = await hold({ to: ['bob@here.test'] })
    expect(put).toHaveBeenCalledOnce()
    expect((await desk.release({})).map((held) => held.id)).toEqual([id])
    resolve()
    await settled()
    expect(await desk.find({})).toEqual([])
    await keeper.stop()
  })

  test('releases what is held where the store loses all it knew while it is asked', async () => {
    const { desk, table, hold, settled, keeper, forget } = quarantineStage()
    keeper.start()
    const [id = ''] = await hold({ to: ['bob@here.test'] })
    await settled()
    vi.spyOn(table, 'scan').mockImplementationOnce(async () => {
      forget()
      return []
    })
    expect((await desk.release({})).map((held) => held.id)).toEqual([id])
    await keeper.stop()
  })

  test('does not show what left the queue behind its back', async () => {
    const { desk, queue, index } = await filled()
    await queue.change({ reason: 'VIRUS' }, 'release')
    expect(briefly(await desk.find({}))).toEqual(['bob@here.test Gewinn! für Sie'])
    const rows = []
    for await (const row of index.rows({})) rows.push(row)
    expect(rows).toHaveLength(3)
  })
})

describe('of a message held for several at once, the desk', () => {
  const together = async (): Promise<Stage & { readonly id: string }> => {
    const stage = quarantineStage()
    stage.keeper.start()
    const to = ['bob@here.test', 'Cid@here.test', 'dan@here.test']
    const [id = ''] = await stage.hold({ to, together: true })
    return { ...stage, id }
  }

  test('lets go for one, once, and holds it for the others', async () => {
    const { desk, id, sent, queue, clock } = await together()
    expect(await desk.decideFor(id, 'CID@here.test', 'release')).toMatchObject([
      { id, recipients: ['Cid@here.test'] },
    ])
    expect(sent()).toEqual([{ to: 'Cid', text: expect.stringContaining('Subject: hello') }])
    expect(queue.commits.at(-1)?.placement.envelope.reversePath).toMatchObject({ localPart: 'ann' })
    expect(await desk.decideFor(id, 'cid@here.test', 'release')).toEqual([])
    expect(await desk.decideFor(id, 'cid@here.test', 'remove')).toEqual([])
    expect(await desk.find({})).toMatchObject([
      { id, recipients: ['bob@here.test', 'dan@here.test'] },
    ])
    expect(await desk.find({ recipient: 'cid@here.test' })).toEqual([])
    expect(queue.due(clock.now(), 10)).toHaveLength(1)
  })

  test('deletes for one after the other, and with the last of them the message is gone', async () => {
    const { desk, id, sent, queue } = await together()
    for (const recipient of ['bob@here.test', 'dan@here.test', 'cid@here.test']) {
      expect(await desk.decideFor(id, recipient, 'remove')).toHaveLength(1)
    }
    expect([sent(), queue.size]).toEqual([[], 0])
  })

  test('lets an operator decide for those who have not', async () => {
    const { desk, id, queue, clock } = await together()
    await desk.decideFor(id, 'bob@here.test', 'remove')
    await desk.release({ ids: [id] })
    expect(queue.due(clock.now(), 10).map((head) => head.id)).toEqual([id])
    const claim = await queue.claim(id)
    expect(claim?.recipients.map(({ mailbox }) => mailbox.localPart)).toEqual(['Cid', 'dan'])
  })

  test('says who decided, for one of several as for one alone', async () => {
    const { desk, id, hold, told } = await together()
    await desk.decideFor(id, 'bob@here.test', 'remove')
    const [alone = ''] = await hold({ to: ['eve@here.test'] })
    await desk.decideFor(alone, 'eve@here.test', 'release')
    await desk.remove({})
    expect(told).toEqual([
      'deleted: By its recipient, from quarantine',
      'released: By its recipient, from quarantine',
      'deleted: By an operator, from quarantine',
    ])
  })

  test('obeys one of two at once, and a stranger not at all', async () => {
    const { desk, id, sent } = await together()
    const decide = () => desk.decideFor(id, 'bob@here.test', 'release')
    const [first, second] = await Promise.all([decide(), decide()])
    expect([first.length, second.length]).toEqual([1, 0])
    expect(await desk.decideFor(id, 'eve@here.test', 'release')).toEqual([])
    expect(sent()).toHaveLength(1)
  })

  test('keeps it for whom it could not let it go', async () => {
    const { desk, id, queue } = await together()
    queue.refuseNextCommit('DISK_FULL')
    await expect(desk.decideFor(id, 'bob@here.test', 'release')).rejects.toMatchObject({
      code: 'DISK_FULL',
    })
    expect(await desk.find({ recipient: 'bob@here.test' })).toHaveLength(1)
    expect(await desk.decideFor(id, 'bob@here.test', 'release')).toHaveLength(1)
  })
})

describe('learning', () => {
  test('reaches every scanner that can, and one that fails does not keep the others from it', async () => {
    const lessons: string[] = []
    const text = async (message: Message) => {
      const parts = []
      for await (const chunk of message.read()) parts.push(chunk)
      return Buffer.concat(parts).toString()
    }
    const { desk } = await filled([
      { entry: 'broken', learn: () => Promise.reject(new Error('no spamd here')) },
      {
        entry: 'spamassassin',
        learn: async (message, as) => void lessons.push(`${as}: ${await text(message)}`),
      },
    ])
    expect(await desk.learn({ ids: ['t1'] }, 'spam')).toMatchObject([
      { entry: 'broken', problem: 'no spamd here' },
      { entry: 'spamassassin' },
    ])
    expect(lessons).toEqual([expect.stringMatching(/^spam: Subject: [^]*spam\r\n$/)])
  })

  test('has a deadline, and says where nobody can learn', async () => {
    const stage = await filled([{ entry: 'deaf', learn: () => new Promise(() => undefined) }])
    const learning = stage.desk.learn({ ids: ['t1'] }, 'ham')
    await stage.settled()
    stage.clock.advance(60_000)
    expect(await learning).toMatchObject(
      [{ entry: 'deaf', problem: /deadline/ }].map(({ entry }) => ({
        entry,
        problem: expect.stringContaining('deadline'),
      })),
    )
    await expect((await filled()).desk.learn({ ids: ['t1'] }, 'ham')).rejects.toThrow('can learn')
  })
})
