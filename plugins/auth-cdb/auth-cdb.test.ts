import { describe, expect, test } from 'vitest'
import { buildCdb, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { authCdb } from './auth-cdb.ts'

/** All of them of `secret`, as libxcrypt computes them. */
const md5 = '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'
const sha512 =
  '$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/'
const des = 'abNANd1rDfiNc'

const cdbOf = (records: Readonly<Record<string, string>>) =>
  buildCdb(
    Object.entries(records).map(([key, value]) => [Buffer.from(key), Buffer.from(value)] as const),
  )
const cdb = cdbOf({
  alice: md5,
  'bob@example.org': `${sha512},DATABYTES="1000",NOTE="a, b"`,
  old: des,
  locked: '*',
  broken: '$1$abcdefgh$tooshort',
  costly: `$6$rounds=999999999$salt$${'a'.repeat(86)}`,
  early: `${md5},PASSWORD_EXPIRES="1000"`,
  late: `${md5},PASSWORD_EXPIRES="99999999999"`,
  never: `${md5},PASSWORD_EXPIRES="soon"`,
})
const withCdb = (rest: PluginTestOptions = {}) =>
  pluginUnderTest(authCdb, { files: { 'control/auth.cdb': cdb }, ...rest })

describe('auth-cdb', () => {
  test.each(['alice', 'bob@example.org', 'old', 'late'])('knows %s', async (user) => {
    expect(await withCdb().verify(user, 'secret')).toBe(true)
    expect(await withCdb().verify(user, 'Secret')).toBe(false)
  })

  test.each([
    ['ALICE', 'unknown user'],
    ['bob', 'unknown user'],
    ['locked', 'bad password'],
    ['broken', 'bad password'],
    ['costly', 'bad password'],
    ['early', 'password expired'],
    ['never', 'bad password'],
  ])('does not let %s in: %s', async (user, because) => {
    const plugin = withCdb()
    expect(await plugin.verify(user, 'secret')).toBe(false)
    expect(plugin.log.events).toMatchObject([
      {
        level: 'info',
        event: 'auth-cdb.failed',
        fields: { address: '192.0.2.1', user, because, entry: 'auth-cdb' },
      },
    ])
  })

  test('hands out the variables of the user', async () => {
    const plugin = withCdb()
    await plugin.verify('bob@example.org', 'secret')
    expect([...plugin.variables]).toEqual([
      ['DATABYTES', '1000'],
      ['NOTE', 'a, b'],
    ])
  })

  test('holds a stranger against a hash that others have, and an account without one too', async () => {
    const asked: string[] = []
    const jobs = {
      run: async (_module: URL, input: unknown) => {
        asked.push(String((input as { hash: string }).hash))
        return true as never
      },
      close: () => Promise.resolve(),
    }
    const plugin = withCdb({ doors: { jobs } })
    for (const user of ['mallory', 'locked', 'bob@example.org', 'mallory', 'broken']) {
      const known = await plugin.verify(user, 'secret')
      expect(known).toBe(user === 'bob@example.org')
    }
    const [mallory, locked, bob, again, broken] = asked
    expect(bob).toBe(sha512)
    expect(again).toBe(mallory)
    for (const hash of [mallory, locked, broken]) expect([md5, sha512]).toContain(hash)
  })

  test('takes the file that AUTH_CDB names, and one that is replaced at once', async () => {
    const files = { 'other.cdb': cdbOf({ carol: md5 }) }
    const plugin = withCdb({ files, environment: { AUTH_CDB: 'other.cdb' } })
    expect(await plugin.verify('carol', 'secret')).toBe(true)
    plugin.files.set('other.cdb', cdbOf({ dave: md5 }))
    expect(await plugin.verify('carol', 'secret')).toBe(false)
    expect(await plugin.verify('dave', 'secret')).toBe(true)
  })

  test('has a fault where the file is missing or damaged', async () => {
    await expect(withCdb({ files: {} }).verify('alice', 'secret')).rejects.toThrow('is not there')
    const damaged = cdb.slice(0, 2100)
    const plugin = withCdb({ files: { 'control/auth.cdb': damaged } })
    await expect(plugin.verify('alice', 'secret')).rejects.toThrow('CdbError')
  })

  test('tells `postern check` what nobody can log in by', async () => {
    const problems = async (files: PluginTestOptions['files'] & object) =>
      (await withCdb({ files }).check()).map(({ problem }) => problem)
    expect(await problems({ 'control/auth.cdb': cdb })).toEqual([
      'nobody can log in as broken',
      'nobody can log in as costly',
      'nobody can log in as never',
    ])
    expect(await problems({})).toEqual(['control/auth.cdb is not there: every login is deferred'])
    expect(await problems({ 'control/auth.cdb': cdb.slice(0, 2100) })).toEqual([
      expect.stringContaining('cannot be read'),
    ])
  })
})
