import { describe, expect, test } from 'vitest'
import { domainTable } from '../../formats/domain-table.ts'
import { parseSmtpRoutes } from '../../formats/smtproutes.ts'
import type { MailDomain } from '../../mail/mail-domain.ts'
import { memoryAccounts } from '../../testkit/memory-accounts.ts'
import { createRouter } from '../router.ts'
import { routerWithMailboxes } from './mailbox-router.ts'

const user = { passwordHash: '*', variables: new Map() }
const here: MailDomain = { name: 'here.test', catchAll: 'bounce', overQuota: 'reject' }

async function stage(domain: Partial<MailDomain> = {}) {
  const accounts = memoryAccounts([
    { ...user, user: 'amy@here.test' },
    { ...user, user: 'bob@here.test', quota: { bytes: 5 } },
    { ...user, user: 'gone@here.test', flags: new Set(['no-mail']) },
  ])
  await accounts.putDomain({ ...here, ...domain })
  const options = {
    mailRoot: '/mail',
    tables: () => ({
      defaultHost: 'here.test',
      locals: new Set<string>(),
      smtpRoutes: parseSmtpRoutes(new Uint8Array()).value,
      routes: domainTable(new Map([['routed.test', { kind: 'mx' } as const]])),
    }),
  }
  const router = routerWithMailboxes({ ...options, accounts }, createRouter(options))
  const envelope = {
    reversePath: null,
    recipients: [],
    bodyType: '7bit',
    smtputf8: false,
    requireTls: false,
  } as const
  const route = (localPart: string, domain = 'here.test') =>
    router.route({ mailbox: { localPart, domain } }, envelope)
  const alias = (name: string, ...targets: readonly string[]) =>
    accounts.putAlias({ address: `${name}@here.test`, targets })
  return { accounts, route, alias }
}

const at = (localPart: string, domain = 'here.test') => ({ localPart, domain })

describe('the route of an address', () => {
  test("of a user is their Maildir, with their quota or their domain's", async () => {
    const { route } = await stage({ defaultQuota: { messages: 7 }, overQuota: 'defer' })
    expect(await route('AMY', 'Here.TEST')).toEqual({
      transport: 'maildir',
      key: 'maildir:here.test/amy',
      path: '/mail/here.test/amy',
      quota: { messages: 7 },
      overQuota: 'defer',
    })
    expect(await route('bob', '')).toMatchObject({ quota: { bytes: 5 } })
  })

  test('under another name of the domain is that in the domain', async () => {
    const { accounts, route, alias } = await stage()
    await accounts.putDomainAlias({ name: 'other.test', domain: 'here.test' })
    expect(await route('Amy', 'OTHER.test')).toMatchObject({ path: '/mail/here.test/amy' })
    expect(await route('eve', 'other.test')).toMatchObject({ transport: 'fail', status: '5.1.1' })
    await alias('bob', 'bob@other.test', 'eve@far.test')
    expect(await route('bob', 'other.test')).toMatchObject({
      transport: 'alias',
      keep: { path: '/mail/here.test/bob' },
      to: [at('eve', 'far.test')],
    })
  })

  test('of nobody, and of one who takes no mail, is a failure', async () => {
    const { route } = await stage()
    expect(await route('eve')).toMatchObject({ transport: 'fail', status: '5.1.1' })
    expect(await route('gone')).toMatchObject({ transport: 'fail', status: '5.2.1' })
    expect(await route('eve', 'there.test')).toMatchObject({ transport: 'smtp' })
  })

  test('in a domain that delivery.routes names is that one', async () => {
    const { accounts, route } = await stage()
    await accounts.putDomain({ ...here, name: 'routed.test' })
    expect(await route('eve', 'routed.test')).toMatchObject({ transport: 'smtp' })
  })

  test('of what a catch-all takes is its address, or nowhere', async () => {
    const { route } = await stage({ catchAll: { to: 'amy@here.test' } })
    expect(await route('eve')).toMatchObject({ transport: 'alias', to: [at('amy')] })
    const other = await stage({ catchAll: 'delete' })
    expect(await other.route('eve')).toMatchObject({ transport: 'alias', to: [] })
    const itself = await stage({ catchAll: { to: 'eve@here.test' } })
    expect(await itself.route('eve')).toMatchObject({ transport: 'fail', status: '5.1.1' })
  })

  test('while accounts.db cannot be read is not known', async () => {
    const { accounts, route } = await stage()
    accounts.fail(true)
    await expect(route('amy')).rejects.toThrow('cannot be read')
  })
})

describe('an alias', () => {
  test('leads to each of its ends once, through other aliases', async () => {
    const { route, alias } = await stage()
    await alias('all', 'team@here.test', 'amy@here.test', 'x@there.test')
    await alias('team', 'AMY@here.test', 'bob@here.test', 'all@here.test')
    const to = [at('amy'), at('x', 'there.test'), at('bob')]
    expect(await route('All')).toEqual({ transport: 'alias', key: 'alias:all@here.test', to })
  })

  test('of a user keeps a copy where it names itself', async () => {
    const { route, alias } = await stage()
    await alias('amy', 'amy@here.test', 'x@there.test')
    const keep = { path: '/mail/here.test/amy' }
    expect(await route('amy')).toMatchObject({ to: [at('x', 'there.test')], keep })
    await alias('amy', 'x@there.test')
    expect(await route('amy')).not.toHaveProperty('keep')
    await alias('all', 'amy@here.test')
    expect(await route('all')).toMatchObject({ to: [at('amy')] })
  })

  test('of a user who takes no mail is a failure, where it names nobody else', async () => {
    const { alias, route } = await stage()
    await alias('gone', 'gone@here.test')
    expect(await route('gone')).toMatchObject({ transport: 'fail', status: '5.2.1' })
  })

  test('that leads only to itself is a failure', async () => {
    const { route, alias } = await stage()
    await alias('a', 'b@here.test')
    await alias('b', 'a@here.test')
    expect(await route('a')).toMatchObject({ transport: 'fail', status: '5.4.6' })
  })

  test('that leads too far, or to too many, is a failure', async () => {
    const { route, alias } = await stage()
    for (let n = 0; n < 12; n += 1) await alias(`far${n}`, `far${n + 1}@here.test`)
    expect(await route('far0')).toMatchObject({ transport: 'fail', status: '5.3.5' })
    expect(await route('far4')).toMatchObject({ transport: 'alias' })
    const many = (from: number) => Array.from({ length: 600 }, (_, n) => `u${from + n}@there.test`)
    await alias('many', ...many(0), 'more@here.test')
    await alias('more', ...many(600))
    expect(await route('many')).toMatchObject({ transport: 'fail', status: '5.3.5' })
    expect(await route('more')).toMatchObject({ transport: 'alias' })
  })
})
