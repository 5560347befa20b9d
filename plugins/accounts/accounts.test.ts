import { describe, expect, test } from 'vitest'
import { scramKeys } from 'postern/plugin'
import { memoryAccounts, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { accounts } from './accounts.ts'

/** Both of `secret`. */
const md5 = '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'
const scram = 'SCRAM-SHA-256$4096:c2FsdHNhbHQ=$STORED:SERVER'
const keysOf = () => scramKeys('secret', { salt: Buffer.from('saltsalt'), iterations: 4096 })
const scramOf = async () => {
  const { storedKey, serverKey } = await keysOf()
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  return scram.replace('STORED', text(storedKey)).replace('SERVER', text(serverKey))
}

async function made(rest: PluginTestOptions = {}) {
  const door = memoryAccounts([
    {
      user: 'alice@example.org',
      passwordHash: md5,
      scram: await scramOf(),
      variables: new Map([['DATABYTES', '0']]),
    },
    { user: 'bob', passwordHash: md5, variables: new Map() },
    {
      user: 'early',
      passwordHash: md5,
      scram: await scramOf(),
      variables: new Map(),
      expiresAt: 5,
    },
    { user: 'locked', passwordHash: '*', scram: await scramOf(), variables: new Map() },
  ])
  const files = {
    'tables/accounts': `# more\ncarol ${md5},SCRAM_SHA_256="${await scramOf()}",A="1"\nbob secret\ncarol *\n`,
  }
  await door.putDomainAlias({ name: 'example.net', domain: 'example.org' })
  return { door, plugin: pluginUnderTest(accounts, { doors: { accounts: door }, files, ...rest }) }
}

describe('accounts', () => {
  test.each([
    'alice@example.org',
    'Alice@EXAMPLE.org',
    'alice@Example.net',
    'bob',
    'carol',
    'CAROL',
  ])('%s logs in with their password', async (user) => {
    const { plugin } = await made()
    expect(await plugin.verify(user, 'secret')).toBe(true)
    expect(await plugin.verify(user, 'wrong')).toBe(false)
  })

  test.each([
    ['mallory', 'unknown user'],
    ['locked', 'bad password'],
    ['early', 'password expired'],
  ])('%s does not: %s', async (user, because) => {
    const { plugin } = await made()
    expect(await plugin.verify(user, 'secret')).toBe(false)
    expect(await plugin.secretFor(user)).toBeUndefined()
    expect(plugin.log.events[0]).toMatchObject({ event: 'accounts.failed', fields: { because } })
  })

  test('SCRAM is held against the keys that were stored, and brings the same variables', async () => {
    const { plugin } = await made()
    const variables = new Map([['DATABYTES', '0']])
    expect(await plugin.secretFor('alice@example.org')).toEqual({
      ...(await keysOf()),
      variables,
      user: 'alice@example.org',
    })
    expect(await plugin.secretFor('carol')).toMatchObject({ variables: new Map([['A', '1']]) })
    expect(await plugin.secretFor('bob')).toBeUndefined()
    await plugin.verify('alice@example.org', 'secret')
    expect(plugin.variables).toEqual(variables)
  })

  test('a change counts from the next login on', async () => {
    const { door, plugin } = await made()
    await door.remove('bob')
    await door.add({ user: 'dave', passwordHash: md5, variables: new Map() })
    plugin.files.set('tables/accounts', `erin ${md5}`)
    const known = await Promise.all(
      ['bob', 'carol', 'dave', 'erin'].map((user) => plugin.verify(user, 'secret')),
    )
    expect(known).toEqual([false, false, true, true])
  })

  test.each(['no-login', 'no-smtp'] as const)('who has the flag %s does not', async (flag) => {
    const { door, plugin } = await made()
    const bob = await door.find('bob')
    await door.change({ ...bob!, scram: await scramOf(), flags: new Set([flag]) })
    expect(await plugin.verify('bob', 'secret')).toBe(false)
    expect(await plugin.secretFor('bob')).toBeUndefined()
    await door.change({ ...bob!, flags: new Set(['no-pop', 'no-mail']) })
    expect(await plugin.verify('bob', 'secret')).toBe(true)
  })

  test('who may not send by SMTP may still fetch mail by POP3', async () => {
    const { door, plugin } = await made()
    const bob = await door.find('bob')
    await door.change({ ...bob!, flags: new Set(['no-smtp']) })
    const fetching = { session: { protocol: 'pop3' } } as const
    expect(await plugin.verify('bob', 'secret', fetching)).toBe(true)
    await door.change({ ...bob!, flags: new Set(['no-login', 'no-smtp']) })
    expect(await plugin.verify('bob', 'secret', fetching)).toBe(false)
  })

  test('accounts that cannot be read are a fault', async () => {
    const { door, plugin } = await made()
    door.fail(true)
    await expect(plugin.verify('carol', 'secret')).rejects.toThrow('cannot be read')
  })

  test('tells `postern check` who cannot log in, and who not by SCRAM', async () => {
    const { plugin } = await made()
    const doubts = await plugin.check()
    expect(doubts.map(({ option, problem }) => [option, problem])).toEqual([
      [undefined, 'SCRAM-SHA-256, which clients prefer, cannot be answered for bob'],
      ['file', 'nobody can log in as bob'],
    ])
    const without = await made({ options: { scram: false } })
    expect(await without.plugin.secretFor('alice@example.org')).toBeUndefined()
    expect((await without.plugin.check()).map(({ problem }) => problem)).toEqual([
      'nobody can log in as bob',
    ])
  })
})
