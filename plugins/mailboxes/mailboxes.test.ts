import { describe, expect, test } from 'vitest'
import { memoryAccounts, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { mailboxes } from './mailboxes.ts'

async function made(options: PluginTestOptions['options'] = {}) {
  const user = { passwordHash: '*', variables: new Map() }
  const door = memoryAccounts([
    { ...user, user: 'amy@here.test' },
    { ...user, user: 'full@here.test', quota: { bytes: 100 } },
    { ...user, user: 'gone@here.test', flags: new Set(['no-mail']) },
    { ...user, user: 'full@later.test', quota: { bytes: 100 } },
    { ...user, user: 'login@there.test' },
  ])
  const bounces = { catchAll: 'bounce', overQuota: 'reject' } as const
  await door.putDomain({ ...bounces, name: 'here.test' })
  await door.putDomain({ ...bounces, name: 'xn--bcher-kva.test' })
  await door.putDomain({ name: 'later.test', catchAll: 'delete', overQuota: 'defer' })
  await door.putDomain({ ...bounces, name: 'all.test', catchAll: { to: 'amy@here.test' } })
  await door.putDomainAlias({ name: 'other.test', domain: 'here.test' })
  await door.putAlias({ address: 'team@here.test', targets: ['amy@here.test'] })
  await door.putAlias({ address: 'postmaster@here.test', targets: ['amy@here.test'] })
  const asked: (readonly [string, number])[] = []
  const room = {
    isFull: async (name: string, { bytes = Infinity }, sizeBytes: number) => {
      asked.push([name, sizeBytes])
      return bytes < 1000
    },
  }
  const doors = { accounts: door, mailboxes: room }
  return { door, asked, plugin: pluginUnderTest(mailboxes, { doors, options }) }
}

describe('mailboxes', () => {
  test.each([
    ['amy@here.test', 'accept'],
    ['Amy@HERE.test', 'accept'],
    ['team@here.test', 'accept'],
    ['amy@other.test', 'accept'],
    ['team@Other.test', 'accept'],
    ['eve@other.test', '5.1.1'],
    ['full@other.test', '5.2.2'],
    ['anybody@later.test', 'accept'],
    ['anybody@all.test', 'accept'],
    ['login@there.test', 'pass'],
    ['amy@there.test', 'pass'],
    ['eve@here.test', '5.1.1'],
    ['eve@xn--bcher-kva.test', '5.1.1'],
    ['gone@here.test', '5.2.1'],
    ['full@here.test', '5.2.2'],
    ['full@later.test', '4.2.2'],
  ])('of %s it says %s', async (recipient, said) => {
    const { plugin } = await made()
    const verdict = await plugin.rcpt(recipient)
    expect('status' in verdict ? verdict.status : verdict.verdict).toBe(said)
  })

  test.each([
    [['self@here.test'], '5.1.1'],
    [['self@other.test'], '5.1.1'],
    [['pong@here.test'], '5.1.1'],
    [['eve@here.test', 'gone@here.test'], '5.1.1'],
    [['pong@here.test', 'amy@here.test'], 'accept'],
    [['eve@here.test', 'amy@far.test'], 'accept'],
    [['self@here.test', 'anybody@later.test'], 'accept'],
  ])('to an alias of %j it says %s', async (targets, said) => {
    const { door, plugin } = await made()
    await door.putAlias({ address: 'self@here.test', targets })
    await door.putAlias({ address: 'pong@here.test', targets: ['self@here.test'] })
    const verdict = await plugin.rcpt('self@other.test')
    expect('status' in verdict ? verdict.status : verdict.verdict).toBe(said)
    const doubts = (await plugin.check()).filter(({ code }) => code === 'dead-end')
    expect(doubts).toHaveLength(said === 'accept' ? 0 : 1)
  })

  test('an alias that leads to nobody here is vouched for where others take its mail', async () => {
    const { door, plugin } = await made({ dead_ends: false })
    await door.putAlias({ address: 'sales@here.test', targets: ['sales@here.test'] })
    expect((await plugin.rcpt('sales@here.test')).verdict).toBe('accept')
    expect((await plugin.rcpt('eve@here.test')).verdict).toBe('reject')
    expect((await plugin.check()).some(({ code }) => code === 'dead-end')).toBe(false)
  })

  test('an alias that keeps a copy in its own mailbox leads there, unless that takes no mail', async () => {
    const { door, plugin } = await made()
    await door.putAlias({ address: 'amy@here.test', targets: ['amy@other.test'] })
    await door.putAlias({ address: 'gone@here.test', targets: ['gone@here.test'] })
    expect((await plugin.rcpt('amy@here.test')).verdict).toBe('accept')
    expect((await plugin.rcpt('gone@here.test')).verdict).toBe('reject')
  })

  test('a catch-all that nobody has is no address', async () => {
    const { door, plugin } = await made()
    const catchAll = { to: 'eve@here.test' }
    await door.putDomain({ name: 'here.test', catchAll, overQuota: 'reject' })
    expect(await plugin.rcpt('bob@here.test')).toMatchObject({ reason: 'NO_MAILBOX' })
  })

  test('a full mailbox is left to the courier where the option says so', async () => {
    const { plugin, asked } = await made({ quota: false })
    expect((await plugin.rcpt('full@here.test')).verdict).toBe('accept')
    expect(asked).toEqual([])
  })

  test('bounces to senders that SRS has rewritten are left to the plugin srs', async () => {
    const { plugin } = await made()
    const address = 'SRS0=fWkT=JL=far.test=bob@here.test'
    expect(await plugin.rcpt(address, { reversePath: '' })).toEqual({ verdict: 'pass' })
    expect(await plugin.rcpt(address)).toMatchObject({ status: '5.1.1' })
    const caught = address.replace('here.test', 'all.test')
    expect((await plugin.rcpt(caught, { reversePath: '' })).verdict).toBe('accept')
    expect(await plugin.rcpt('srs@here.test', { reversePath: '' })).toMatchObject({
      status: '5.1.1',
    })
  })

  test('a change counts from the next recipient on', async () => {
    const { door, plugin } = await made()
    await door.remove('amy@here.test')
    await door.add({ user: 'eve@here.test', passwordHash: '*', variables: new Map() })
    expect((await plugin.rcpt('amy@here.test')).verdict).toBe('reject')
    expect((await plugin.rcpt('eve@here.test')).verdict).toBe('accept')
    await door.removeDomain('here.test')
    expect((await plugin.rcpt('eve@here.test')).verdict).toBe('pass')
  })

  test('accounts that cannot be read are a fault', async () => {
    const { door, plugin } = await made()
    door.fail(true)
    await expect(plugin.rcpt('amy@here.test')).rejects.toThrow('cannot be read')
  })

  test('tells `postern check` which domains have no postmaster', async () => {
    const { plugin } = await made()
    expect((await plugin.check()).map(({ problem }) => problem)).toEqual([
      'nobody is postmaster of xn--bcher-kva.test',
    ])
  })
})
