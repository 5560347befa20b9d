/** What the deliverer does, and above all what it does not, whoever asks. */
import { describe, expect, test } from 'vitest'
import { deliverAsUser } from '../../delivery/local/as-user.ts'
import type { UserDirectory } from '../../delivery/local/user-directory.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakePrograms, type FakeEnd } from '../../testkit/fake-programs.ts'
import { delivererWork, type ObeyedConfiguration } from './deliverer-work.ts'

const program = ['/bin/postern', 'local'] as const
const joe = { user: 'joe', uid: 8123, gid: 8124, home: '/home/joe', dash: '', extension: '' }
const to = { local: 'joe', host: 'h.test', sender: 'a@b.test' }
const login = {
  ask: 'checkpassword',
  command: ['/bin/checkpassword', '/bin/true'],
  environment: new Map([['PROTO', 'TCP']]),
  input: Buffer.from('joe\0secret\0\0'),
} as const

interface Circumstances {
  readonly users?: Readonly<Record<string, typeof joe>>
  readonly writable?: string
  readonly exchangeable?: string
  readonly mode?: 'enforce' | 'off'
  readonly end?: FakeEnd | 'hangs'
  readonly isFull?: boolean
}

function stage({
  users = { joe },
  writable,
  exchangeable,
  mode = 'enforce',
  end = { exit: 0 },
  isFull = false,
}: Circumstances) {
  const known = new Map(Object.entries(users))
  const directory: UserDirectory = { find: async (local) => known.get(local) }
  const programs = fakePrograms({
    '/bin/postern': () => end,
    '/bin/checkpassword': () => end,
    '/bin/sh': () => end,
  })
  const configuration: ObeyedConfiguration = {
    folder: '/etc/postern',
    control: { defaultDelivery: './Maildir/\n', me: 'mx.h.test', locals: new Set(['h.test']) },
    delivery: {
      alias: '/etc/postern/alias',
      localTimeoutMs: 1000,
      localMemoryBytes: undefined,
      localProcesses: undefined,
    },
    chain: [{ plugin: 'checkpassword', mode, options: { command: [...login.command] } }],
  }
  const clock = fakeClock()
  const work = delivererWork({
    clock,
    programs,
    current: () => configuration,
    users: { directory },
    writableByOthers: (path) => (path === writable ? path : undefined),
    exchangeableByOthers: (path) => (path === exchangeable ? path : undefined),
    hasRoom: async () => !isFull,
    deliverAs: (delivery, owner, signal) =>
      deliverAsUser({ programs, program }, { delivery, owner }, signal),
    maildropProgram: ['/bin/postern', 'pop3d'],
  })
  return { work, programs, clock }
}

async function* message(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('S: x\n\n')
}

const { signal } = new AbortController()

describe('a delivery', () => {
  test('is made as the user that the deliverer finds, by what the host says and nobody else', async () => {
    const { work, programs } = stage({})
    expect(await work.deliver(to, message(), signal)).toMatchObject({ end: { exit: 0 } })
    const [call] = programs.calls
    expect(call?.as).toEqual({ uid: 8123, gid: 8124 })
    const about = ['joe', '/home/joe', 'joe', '', '', 'h.test', 'a@b.test', './Maildir/\n']
    expect(call?.command).toEqual([...program, '--', ...about])
    expect([...(call?.environment.keys() ?? [])]).toEqual(['PATH', 'QMAILQUEUE', 'POSTERN_CONFIG'])
  })

  test.each<readonly [string, Circumstances, string]>([
    ['to root', { users: { joe: { ...joe, uid: 0 } } }, 'as root'],
    ['with the group of root', { users: { joe: { ...joe, gid: 0 } } }, 'the group of root'],
    ['to nobody', { users: {} }, 'no such user'],
    ['that the disk has no room for', { isFull: true }, 'nearly full'],
    ['by a users/cdb of somebody’s', { writable: '/etc/postern/users/cdb' }, 'others than root'],
    [
      'by a users/assign of somebody’s',
      { writable: '/etc/postern/users/assign' },
      'others than root',
    ],
    [
      'by a defaultdelivery of somebody’s',
      { writable: '/etc/postern/control/defaultdelivery' },
      'others than root',
    ],
    [
      'as whoever owns a folder that others may exchange',
      {
        users: { joe: { ...joe, home: '/etc/postern/alias' } },
        exchangeable: '/etc/postern/alias',
      },
      'others than root may write',
    ],
  ])('%s starts nothing', async (_, circumstances, why) => {
    const { work, programs } = stage(circumstances)
    await expect(work.deliver(to, message(), signal)).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      message: expect.stringContaining(why),
    })
    expect(programs.calls).toEqual([])
  })

  test('that nobody calls off ends a minute after its time', async () => {
    const { work, programs, clock } = stage({ end: 'hangs' })
    const delivering = work.deliver(to, message(), signal)
    await expect.poll(() => programs.calls.length).toBe(1)
    clock.advance(61_000)
    await expect(delivering).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('a message', () => {
  test('that never comes to its end is given up a minute after the time of its delivery', async () => {
    const { work, programs, clock } = stage({})
    const waiting = Promise.withResolvers<void>()
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('S: x\n')
      waiting.resolve()
      await new Promise(() => undefined)
    }
    const delivering = work.deliver(to, endless(), signal)
    await waiting.promise
    clock.advance(61_000)
    await expect(delivering).rejects.toMatchObject({ code: 'ABORTED' })
    expect(programs.calls).toEqual([])
  })
})

describe('a login', () => {
  test('is asked of a program that the chain names, with what the client is and a path', async () => {
    const { work, programs } = stage({ end: { exit: 1 } })
    expect(await work.checkpassword(login, signal)).toMatchObject({ end: { exit: 1 } })
    const [call] = programs.calls
    expect(call?.as).toBeUndefined()
    expect(Object.fromEntries(call?.environment ?? [])).toEqual({
      PROTO: 'TCP',
      PATH: '/usr/local/bin:/usr/bin:/bin',
    })
    expect(Buffer.from(call?.read.get(3) ?? []).toString()).toBe('joe\0secret\0\0')
  })

  test.each<readonly [string, Circumstances, readonly [string, ...string[]]]>([
    ['of another program', {}, ['/bin/sh', '-c', 'id']],
    ['of the same with other arguments', {}, ['/bin/checkpassword', '/bin/sh']],
    ['of the same with more arguments', {}, [...login.command, 'x']],
    ['of an entry that is off', { mode: 'off' }, login.command],
    ['by a file of somebody’s', { writable: '/etc/postern/postern.yaml' }, login.command],
    ['of a program that others may change', { writable: '/bin/checkpassword' }, login.command],
    ['of one that goes on with such a program', { writable: '/bin/true' }, login.command],
  ])('%s starts nothing', async (_, circumstances, command) => {
    const { work, programs } = stage(circumstances)
    await expect(work.checkpassword({ ...login, command }, signal)).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
    })
    expect(programs.calls).toEqual([])
  })

  test('says of a program that is not root’s alone what is to be done', async () => {
    const { work } = stage({ writable: '/bin/checkpassword' })
    await expect(work.checkpassword(login, signal)).rejects.toThrow(
      /root would run \/bin\/checkpassword: chown root \/bin\/checkpassword and chmod go-w/,
    )
  })
})

describe('mail that somebody fetches', () => {
  async function* silent(): AsyncGenerator<Uint8Array> {}

  function fetching(circumstances: Circumstances) {
    const { work, programs, clock } = stage(circumstances)
    const heard: string[] = []
    const output = (chunk: Uint8Array): void => void heard.push(Buffer.from(chunk).toString())
    const logIn = (user: string) =>
      work.checkpassword({ ...login, input: Buffer.from(`${user}\0secret\0\0`) }, signal)
    const fetch = (user: string) =>
      work.maildrop({ ask: 'maildrop', user }, { input: silent(), output }, signal)
    const served = () => programs.calls.filter(({ command }) => command[1] === 'pop3d')
    return { clock, heard, logIn, fetch, served }
  }

  test('is served by a process of theirs, once for each login', async () => {
    const { heard, logIn, fetch, served } = fetching({
      end: { exit: 0, writes: { 1: '+OK \r\n' } },
    })
    await logIn('joe@h.test')
    expect(await fetch('joe@h.test')).toEqual({ exit: 0 })
    expect(heard).toEqual(['+OK \r\n'])
    expect(served()[0]).toMatchObject({
      as: { uid: 8123, gid: 8124 },
      command: ['/bin/postern', 'pop3d', '--', '/home/joe/Maildir'],
    })
    await expect(fetch('joe@h.test')).rejects.toThrow('no checkpassword program has just taken')
    expect(served()).toHaveLength(1)
  })

  test.each<readonly [string, string, Circumstances]>([
    ['somebody whose password was wrong', 'joe', { end: { exit: 1 } }],
    ['root', 'root', { users: { root: { ...joe, uid: 0 } } }],
    ['the group of root', 'joe', { users: { joe: { ...joe, gid: 0 } } }],
    ['an extension', 'joe', { users: { joe: { ...joe, dash: '-', extension: 'list' } } }],
    ['nobody', 'joe', { users: {} }],
    ['a user of another domain', 'joe@virtual.test', {}],
    ['a host by names that others may write', 'joe', { writable: '/etc/postern/control/locals' }],
  ])('is not that of %s', async (_, user, circumstances) => {
    const { logIn, fetch, served } = fetching(circumstances)
    await logIn(user)
    await expect(fetch(user)).rejects.toMatchObject({ code: 'PROGRAM_FAILED' })
    expect(served()).toEqual([])
  })

  test('is served as often as its user has logged in, by several clients at once too', async () => {
    const { logIn, fetch, served } = fetching({})
    await Promise.all([logIn('joe'), logIn('ann'), logIn('joe')])
    await Promise.all([fetch('joe'), fetch('joe')])
    await expect(fetch('joe')).rejects.toThrow('no checkpassword program')
    expect(served()).toHaveLength(2)
  })

  test('is nobody’s without a login, of another’s login, or half a minute after it', async () => {
    const { clock, logIn, fetch, served } = fetching({})
    await expect(fetch('joe')).rejects.toThrow('no checkpassword program')
    await logIn('ann')
    await expect(fetch('joe')).rejects.toThrow('no checkpassword program')
    await logIn('joe')
    clock.advance(30_000)
    await expect(fetch('joe')).rejects.toThrow('no checkpassword program')
    expect(served()).toEqual([])
  })
})
