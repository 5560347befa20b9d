import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fakePrograms, pluginUnderTest, type FakeProgram } from 'postern/testkit'
import { checkpassword } from './checkpassword.ts'

const path = '/bin/checkpassword'

/** Knows joe by his secret, as a password or by CRAM-MD5. */
const knowsJoe: FakeProgram = ({ read }) => {
  const [user, password, data] = Buffer.from(read.get(3) ?? [])
    .toString()
    .split('\0')
  const right = data ? createHmac('md5', 'secret').update(data).digest('hex') : 'secret'
  return { exit: user === 'joe' && password === right ? 0 : 1 }
}

function pluginWith(program: FakeProgram, options: object = {}, environment = {}) {
  const programs = fakePrograms({ [path]: program })
  const plugin = pluginUnderTest(checkpassword, {
    options: { command: [path, '/bin/true'], ...options },
    doors: { programs },
    environment,
  })
  return { plugin, programs }
}

describe('checkpassword', () => {
  test('hands user and password over on descriptor 3, and tells whom it serves', async () => {
    const { plugin, programs } = pluginWith(knowsJoe, {}, { RELAYCLIENT: '' })
    expect(await plugin.verify('joe', 'secret')).toBe(true)
    const [call] = programs.calls
    expect(call?.command).toEqual([path, '/bin/true'])
    expect(String(Buffer.from(call?.read.get(3) ?? []))).toBe('joe\0secret\0\0')
    expect(Object.fromEntries(call?.environment ?? [])).toEqual({
      PATH: '/usr/local/bin:/usr/bin:/bin',
      RELAYCLIENT: '',
      PROTO: 'TCP',
      TCPREMOTEIP: '192.0.2.1',
      TCPREMOTEPORT: '40000',
      TCPLOCALIP: '192.0.2.25',
      TCPLOCALPORT: '25',
    })
  })

  test.each([
    ['joe', 'wrong'],
    ['mallory', 'secret'],
    ['joe', 'x'.repeat(600)],
  ])('%s with %s is not let in', async (user, password) => {
    expect(await pluginWith(knowsJoe).plugin.verify(user, password)).toBe(false)
  })

  test('exit code 3 is vchkpw’s no', async () => {
    expect(await pluginWith(() => ({ exit: 3 })).plugin.verify('joe', 'secret')).toBe(false)
  })

  test.each([{ exit: 2 }, { exit: 111 }, { exit: 127 }, { signal: 'SIGSEGV' }])(
    'a program that ends with %j is a fault',
    async (end) => {
      const { plugin } = pluginWith(() => end)
      await expect(plugin.verify('joe', 'secret')).rejects.toThrow(JSON.stringify(end))
    },
  )

  test('a program that hangs is a fault after 20 seconds', async () => {
    const { plugin } = pluginWith(() => 'hangs')
    const asked = plugin.verify('joe', 'secret')
    plugin.clock.advance(19_999)
    plugin.clock.advance(1)
    await expect(asked).rejects.toThrow('timeout')
  })

  test('no more run at once than are allowed', async () => {
    const { plugin, programs } = pluginWith(() => 'hangs', { parallel: 2 })
    const asked = [1, 2, 3].map(() => plugin.verify('joe', 'secret'))
    await expect(asked[2]).rejects.toThrow('2 of them are running')
    expect(programs.calls).toHaveLength(2)
    plugin.clock.advance(20_000)
    const ends = await Promise.allSettled(asked)
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  })

  test('answers CRAM-MD5 where it is told to, and only there', async () => {
    const challenge = '<1.2@mx.test>'
    const digest = createHmac('md5', 'secret').update(challenge).digest('hex')
    const { plugin, programs } = pluginWith(knowsJoe, { cram: true })
    expect(await plugin.checkResponse('joe', { challenge, digest })).toBe(true)
    expect(String(Buffer.from(programs.calls[0]?.read.get(3) ?? []))).toBe(
      `joe\0${digest}\0${challenge}\0`,
    )
    const without = pluginWith(knowsJoe)
    expect(await without.plugin.checkResponse('joe', { challenge, digest })).toBe(false)
    expect(without.programs.calls).toEqual([])
  })

  test('answers APOP where it is told to, with the timestamp as its third field', async () => {
    const challenge = '<16342.1795250022@pop.h>'
    const digest = createHash('md5').update(`${challenge}secret`).digest('hex')
    const { plugin, programs } = pluginWith(() => ({ exit: 0 }), { apop: true })
    expect(await plugin.checkApop('joe', { challenge, digest })).toBe(true)
    expect(String(Buffer.from(programs.calls[0]?.read.get(3) ?? []))).toBe(
      `joe\0${digest}\0${challenge}\0`,
    )
    const without = pluginWith(knowsJoe, { cram: true })
    expect(await without.plugin.checkApop('joe', { challenge, digest })).toBe(false)
    expect(without.programs.calls).toEqual([])
  })

  test('tells `postern check` of a program that is not there', async () => {
    expect(await pluginWith(knowsJoe).plugin.check()).toEqual([])
    const problemOf = async (command: readonly string[]) =>
      (await pluginWith(knowsJoe, { command }).plugin.check()).map(({ problem }) => problem)
    expect(await problemOf(['/no/such'])).toEqual([
      '/no/such cannot be started: every login is deferred',
    ])
    expect(await problemOf(['checkpassword'])).toEqual(['checkpassword is looked for along a path'])
    expect(() => pluginWith(knowsJoe, { command: [] })).toThrow('the command is empty')
  })
})
