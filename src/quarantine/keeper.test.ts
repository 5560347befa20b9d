import { describe, expect, test, vi } from 'vitest'
import { readAction } from '../formats/signed-action.ts'
import type { HeldIndex } from './held-index.ts'
import { PosternError } from '../mail/errors.ts'
import { quarantineStage } from '../testkit/quarantine-stage.ts'
import type { DigestSettings } from './keeper.ts'
import type { Notify } from '../mail/quarantine-notify.ts'

const minute = 60_000
const hour = 60 * minute
const virus = { entry: 'clamav' }

async function rowsOf(index: HeldIndex): Promise<string[]> {
  const rows: string[] = []
  for await (const { recipients } of index.rows({})) rows.push(recipients.join())
  return rows
}

describe('the index', () => {
  test('comes back from the spool where the store has lost it', async () => {
    const { hold, index, table, keeper, pass, log } = quarantineStage()
    const [id = ''] = await hold({ to: ['bob@here.test'] })
    await hold({ to: ['cid@here.test'], elsewhere: true })
    expect(await rowsOf(index)).toEqual([])
    keeper.start()
    await pass(minute)
    expect(await rowsOf(index)).toEqual(['bob@here.test'])
    await table.delete(id)
    await pass(hour)
    expect(await rowsOf(index)).toEqual(['bob@here.test'])
    await keeper.stop()
    expect(log.events.filter(({ event }) => event === 'quarantine.trouble')).toEqual([])
  })

  test('comes back at once where the store was begun anew', async () => {
    const { hold, index, table, keeper, forget, settled } = quarantineStage()
    keeper.start()
    const [id = ''] = await hold({ to: ['bob@here.test'] })
    await table.delete(id)
    forget()
    await settled()
    expect(await rowsOf(index)).toEqual(['bob@here.test'])
    await keeper.stop()
  })
})

describe('retention', () => {
  test('deletes what is too old and what is too much, and says so', async () => {
    const { hold, queue, index, keeper, pass, settings, log } = quarantineStage()
    settings.current = { ...settings.current, limits: { maxAgeMs: 5 * hour, maxMessages: 2 } }
    keeper.start()
    await hold({ to: ['kept@here.test'], elsewhere: true })
    for (const name of ['one', 'two', 'three']) await hold({ to: [`${name}@here.test`] })
    await pass(2 * minute)
    expect(await rowsOf(index)).toEqual(['three@here.test', 'two@here.test'])
    await pass(7 * hour)
    expect(await rowsOf(index)).toEqual([])
    expect(queue.size).toBe(1)
    const expired = log.events.filter(({ event }) => event === 'quarantine.expired')
    expect(expired.map(({ fields }) => [fields['count'], fields['why']])).toEqual([
      [1, ['count']],
      [2, ['age']],
    ])
  })
})

test('what is too old goes, whether the store answers or not', async () => {
  const { hold, queue, keeper, pass, settings, store } = quarantineStage()
  settings.current = { ...settings.current, limits: { maxAgeMs: 5 * hour } }
  keeper.start()
  await hold({ to: ['bob@here.test'] })
  store.fail(true)
  await pass(7 * hour)
  expect(queue.size).toBe(0)
  await keeper.stop()
})

test('what is held beyond the room of the index is found, also when some of what had room has gone', async () => {
  const { desk, hold, index, keeper, pass, settings } = quarantineStage([], 3)
  keeper.start()
  const ids: string[] = []
  for (const name of ['one', 'two', 'three']) {
    ids.unshift(...(await hold({ to: [`${name}@here.test`] })))
  }
  await hold({ to: ['large@here.test'], text: `\r\n${'x'.repeat(2000)}\r\n` })
  await pass(2 * hour)
  expect(await index.isFull()).toBe(true)
  settings.current = { ...settings.current, limits: { maxBytes: 1000 } }
  await pass(hour)
  expect((await desk.find({})).map(({ id }) => id)).toEqual(ids)
  await keeper.stop()
})

describe('notices', () => {
  test('are written where the store does not answer', async () => {
    const { hold, keeper, sent, settings, settled, store } = quarantineStage()
    const { rules } = settings.current
    settings.current = { ...settings.current, rules: { ...rules, notify: ['recips'] } }
    keeper.start()
    await settled()
    store.fail(true)
    await hold({ to: ['bob@here.test'] })
    await settled()
    expect(sent().map(({ to }) => to)).toEqual(['bob'])
    await keeper.stop()
  })

  const told = async (
    notify: readonly Notify[],
    message: Omit<Parameters<ReturnType<typeof quarantineStage>['hold']>[0], 'to'> = {},
  ): Promise<string[]> => {
    const { hold, keeper, sent, settings } = quarantineStage()
    settings.current = { ...settings.current, rules: { ...settings.current.rules, notify } }
    keeper.start()
    await hold({ to: ['bob@here.test', 'cid@here.test', 'eve@else.test'], ...message })
    await keeper.stop()
    return sent().map(({ to }) => to)
  }
  const list = 'List-Id: <l.test>\r\nSubject: x\r\n\r\n'
  const ours = { from: 'dan@here.test' }

  test.each<[readonly Notify[], object, string[]]>([
    [[], {}, []],
    [['sender'], {}, []],
    [['sender'], ours, ['dan']],
    [['sender'], { from: 'list-@here.test-@[]' }, ['list-']],
    [['sender'], { user: 'ann' }, ['ann']],
    [['sender'], { ...ours, from: '' }, []],
    [['sender'], { ...ours, grounds: virus }, []],
    [['sender'], { ...ours, text: list }, []],
    [['recips'], {}, ['bob', 'cid']],
    [['recips'], { grounds: virus }, ['bob', 'cid']],
    [['precips'], {}, ['bob', 'cid']],
    [['precips'], { grounds: virus }, []],
    [['admin'], { text: list }, ['admin']],
    [['nmladm'], { text: list }, []],
    [['nmladm'], { grounds: virus }, ['admin']],
    [['nmlvadm'], {}, ['admin']],
    [['nmlvadm'], { grounds: virus }, []],
    [['sender', 'recips', 'admin'], { from: 'bob@here.test' }, ['bob', 'cid', 'admin']],
  ])('to %j of %j go to %j', async (notify, message, expected) => {
    expect(await told(notify, message)).toEqual(expected)
  })

  test('come once for a message, from the null reverse-path, and only the administrator reads why', async () => {
    const { hold, keeper, sent, settings, queue } = quarantineStage()
    const { rules } = settings.current
    settings.current = { ...settings.current, rules: { ...rules, notify: ['recips', 'admin'] } }
    keeper.start()
    const [id = ''] = await hold({
      to: ['bob@here.test'],
      text: 'Subject: h\r\n\r\n',
      grounds: { score: 8 },
    })
    await keeper.stop()
    const [bob, admin] = sent()
    expect(bob?.text).toMatch(/^Auto-Submitted: auto-replied\r$/m)
    expect(bob?.text).not.toContain('SCORE')
    expect(admin?.text).toContain('Reason:   SCORE, score 8\r\n')
    expect(admin?.text).toContain(`postern quarantine release ${id}`)
    const letters = queue.commits.filter(({ placement }) => placement.disposition === 'deliver')
    expect(letters.map(({ placement }) => placement.envelope.reversePath)).toEqual([null, null])
  })
})

describe('digests', () => {
  const key = Buffer.alloc(32, 1)
  const digest: DigestSettings = {
    isWanted: (recipient) => recipient.endsWith('@here.test'),
    except: ['clamav'],
    hour: 0,
    links: () => Promise.resolve({ base: 'https://mx.test/q', key, lifetimeMs: 24 * hour }),
  }

  test('tell each recipient once a day what was kept from them, with links that only we can sign', async () => {
    const { hold, keeper, sent, settings, clock, pass } = quarantineStage()
    settings.current = { ...settings.current, digest }
    const [id = ''] = await hold({
      to: ['bob@here.test', 'eve@else.test'],
      text: 'Subject: a\r\n\r\n',
    })
    await hold({ to: ['Bob@here.test'], text: 'Subject: b\r\n\r\n' })
    await hold({ to: ['cid@here.test'], grounds: virus })
    await pass(6 * minute)
    keeper.start()
    await pass(3 * minute)
    expect(sent().map(({ to }) => to)).toEqual(['bob'])
    const text = sent()[0]?.text ?? ''
    expect(text).toContain('Subject: 2 messages were kept from you\r\n')
    const tokens = [...text.matchAll(/https:\/\/mx\.test\/q\?token=(\S+)/g)].map(
      ([, token]) => token,
    )
    const actions = tokens.map((token) => readAction(key, token ?? '', clock.now()))
    expect(actions).toHaveLength(4)
    expect(actions).toContainEqual({
      ok: true,
      action: expect.objectContaining({ action: 'release', id, recipient: 'bob@here.test' }),
    })
    await hold({ to: ['cid@here.test'], text: 'Subject: c\r\n\r\n' })
    await pass(24 * hour)
    expect(sent().map(({ to }) => to)).toEqual(['bob', 'cid'])
    await keeper.stop()
  })

  test('that cannot be sent are sent later, and the others come once', async () => {
    const { hold, keeper, sent, settings, queue, pass } = quarantineStage()
    settings.current = { ...settings.current, digest }
    for (const name of ['bob', 'cid', 'dan']) await hold({ to: [`${name}@here.test`] })
    await pass(6 * minute)
    const begin = queue.begin.bind(queue)
    let begun = 0
    vi.spyOn(queue, 'begin').mockImplementation(() => {
      begun += 1
      if (begun === 2) throw new PosternError('DISK_FULL', 'spool')
      return begin()
    })
    keeper.start()
    await pass(5 * minute)
    await keeper.stop()
    expect(
      sent()
        .map(({ to }) => to)
        .toSorted(),
    ).toEqual(['bob', 'cid', 'dan'])
  })

  test('leave to the next one what came a moment ago', async () => {
    const { hold, keeper, sent, settings, pass } = quarantineStage()
    settings.current = { ...settings.current, digest }
    await hold({ to: ['bob@here.test'] })
    await pass(6 * minute)
    await hold({ to: ['bob@here.test'] })
    keeper.start()
    await pass(2 * minute)
    expect(sent().map(({ text }) => text)).toEqual([expect.stringContaining('Subject: 1 message')])
    await pass(25 * hour)
    await keeper.stop()
    expect(sent()).toHaveLength(2)
    expect(sent()[1]?.text).toContain('Subject: 1 message')
  })

  test('without a place for links name what the postmaster can do', async () => {
    const { hold, keeper, sent, settings, pass } = quarantineStage()
    settings.current = {
      ...settings.current,
      digest: { ...digest, links: () => Promise.resolve(undefined) },
    }
    const [id = ''] = await hold({ to: ['bob@here.test'] })
    await pass(6 * minute)
    keeper.start()
    await pass(2 * minute)
    expect(sent()[0]?.text).toContain(`postern quarantine release ${id}`)
    await keeper.stop()
  })
})
