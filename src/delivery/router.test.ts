import { resolve, sep } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseVirtualDomains } from '../formats/control-domains.ts'
import { domainTable } from '../formats/domain-table.ts'
import { parseRouteTarget } from '../formats/route-target.ts'
import { parseSmtpRoutes } from '../formats/smtproutes.ts'
import type { Envelope } from '../mail/envelope.ts'
import { createRouter } from './router.ts'

const envelope: Envelope = {
  reversePath: null,
  recipients: [],
  bodyType: '7bit',
  smtputf8: false,
  requireTls: false,
}

function routerWith({
  smtproutes = '',
  locals = ['here.test'],
  routes = {},
}: {
  readonly smtproutes?: string
  readonly locals?: readonly string[]
  readonly routes?: Readonly<Record<string, string>>
} = {}) {
  const targets = Object.entries(routes).flatMap(([domain, text]) => {
    const target = parseRouteTarget(text)
    return target === undefined ? [] : [[domain, target] as const]
  })
  const smtpRoutes = parseSmtpRoutes(Buffer.from(smtproutes)).value
  const router = createRouter({
    mailRoot: '/mail',
    tables: () => ({
      defaultHost: 'here.test',
      locals: new Set(locals),
      smtpRoutes,
      routes: domainTable(new Map(targets)),
    }),
  })
  return (localPart: string, domain: string) =>
    router.route({ mailbox: { localPart, domain } }, envelope)
}

describe('the router', () => {
  test('a local domain is delivered into a Maildir of its local-part', async () => {
    expect(await routerWith()('Bob', 'Here.TEST')).toEqual({
      transport: 'maildir',
      key: 'maildir:here.test/bob',
      path: '/mail/here.test/bob',
    })
  })

  test.each([
    ['lmtp:/run/agent', { transport: 'lmtp', key: 'lmtp:/run/agent', to: { path: '/run/agent' } }],
    [
      'lmtp:agent.test:10024',
      {
        transport: 'lmtp',
        key: 'lmtp:agent.test:10024',
        to: { host: 'agent.test', port: 10_024 },
      },
    ],
    ['qmtp:hub.test', { transport: 'qmtp', key: 'qmtp:hub.test:209', host: 'hub.test', port: 209 }],
    [
      'smtps:relay.test',
      {
        transport: 'smtp',
        key: 'smtps:relay.test:465',
        lookup: 'host',
        host: 'relay.test',
        port: 465,
        implicitTls: true,
      },
    ],
    ['mx', { transport: 'smtp', key: 'smtp:here.test', lookup: 'mx', host: 'here.test', port: 25 }],
  ])("an operator's route %s wins over locals and smtproutes", async (text, expected) => {
    const route = routerWith({ smtproutes: ':other.test\n', routes: { 'here.test': text } })
    expect(await route('bob', 'Here.test')).toEqual(expected)
  })

  test('a relay at port 465 is spoken to by TLS from the first byte', async () => {
    const smtproutes = 'a.test:relay.test:465 user pass\nb.test:relay.test:465 -user pass\n'
    const route = routerWith({ smtproutes })
    expect(await route('bob', 'a.test')).toMatchObject({ implicitTls: true })
    expect(await route('bob', 'b.test')).not.toHaveProperty('implicitTls')
  })

  test('a bare postmaster belongs to this host', async () => {
    expect(await routerWith()('postmaster', '')).toMatchObject({
      path: '/mail/here.test/postmaster',
    })
  })

  test('locals win over smtproutes, as in qmail', async () => {
    const route = routerWith({ smtproutes: 'here.test:relay.test\n' })
    expect(await route('bob', 'here.test')).toMatchObject({ transport: 'maildir' })
  })

  test('a domain in smtproutes goes to the addresses of its relay and port', async () => {
    const route = routerWith({ smtproutes: 'there.test:[192.0.2.7]:2526\n' })
    expect(await route('bob', 'There.test')).toEqual({
      transport: 'smtp',
      key: 'relay:192.0.2.7:2526',
      lookup: 'host',
      host: '192.0.2.7',
      port: 2526,
    })
  })

  test('several relays of a domain keep their ports, and TLS where the port means it', async () => {
    const route = routerWith({ smtproutes: 'there.test:a.test:26,b.test:465,a.test:2526\n' })
    expect(await route('bob', 'there.test')).toEqual({
      transport: 'smtp',
      key: 'relay:a.test:26,b.test:465,a.test:2526',
      lookup: 'host',
      host: 'a.test',
      port: 26,
      others: [
        { host: 'b.test', port: 465, implicitTls: true },
        { host: 'a.test', port: 2526 },
      ],
    })
    const same = routerWith({ smtproutes: 'there.test:a.test:26,b.test\n' })
    expect(await same('bob', 'there.test')).toMatchObject({ key: 'relay:a.test,b.test:26' })
  })

  test.each([
    ['exact.there.test', 'one.test'],
    ['other.there.test', 'two.test'],
    ['there.test', 'three.test'],
    ['elsewhere.test', 'three.test'],
  ])('%s is relayed by the most exact line, to %s', async (domain, host) => {
    const route = routerWith({
      smtproutes: ':three.test\n.there.test:two.test\nexact.there.test:one.test\n',
    })
    expect(await route('bob', domain)).toMatchObject({ lookup: 'host', host, port: 25 })
  })

  test('an empty relay means the mail exchangers after all', async () => {
    const route = routerWith({ smtproutes: 'direct.test:\n:relay.test\n' })
    expect(await route('bob', 'direct.test')).toMatchObject({ lookup: 'mx', host: 'direct.test' })
  })

  test('a login of smtproutes travels with the route and separates it from others', async () => {
    const route = routerWith({ smtproutes: 'there.test:relay.test user pass\n' })
    expect(await route('bob', 'there.test')).toMatchObject({
      key: 'relay:user@relay.test:25',
      login: { user: 'user', withoutTls: false },
    })
  })

  test('everything else goes to the mail exchangers of its domain', async () => {
    expect(await routerWith()('bob', 'There.Test')).toEqual({
      transport: 'smtp',
      key: 'smtp:there.test',
      lookup: 'mx',
      host: 'there.test',
      port: 25,
    })
  })

  test('an internationalised domain is looked up by its A-labels', async () => {
    expect(await routerWith()('bob', 'bücher.test')).toMatchObject({
      host: 'xn--bcher-kva.test',
    })
  })

  test.each([
    ['[192.0.2.1]', '192.0.2.1'],
    ['[IPv6:2001:db8::1]', '2001:db8::1'],
  ])('an address literal %s goes to that address', async (domain, host) => {
    expect(await routerWith()('bob', domain)).toMatchObject({ lookup: 'host', host, port: 25 })
  })

  test.each([
    ['bob%inner.test@gate.test', 'maildir:inner.test/bob'],
    ['bob%x%gate.test@GATE.test', 'maildir:gate.test/bob%25x%25gate.test'],
    ['bob%inner.test%gate.test@gate.test', 'maildir:inner.test/bob'],
    ['bob%elsewhere.test@gate.test', 'maildir:gate.test/bob%25elsewhere.test'],
    ['bob%inner.test@elsewhere.test', 'smtp:elsewhere.test'],
    // There are no users here that it could be for.
    ['bob%virtual.test@gate.test', 'maildir:gate.test/bob%25virtual.test'],
  ])('a percent sign leads %s no further than to this host', async (address, key) => {
    const locals = new Set(['gate.test', 'inner.test'])
    const percentHack = new Set(['gate.test'])
    const smtpRoutes = parseSmtpRoutes(undefined).value
    const virtualDomains = parseVirtualDomains(Buffer.from('virtual.test:joe\n')).value
    const hack = { percentHack, virtualDomains }
    const tables = () => ({ defaultHost: 'gate.test', locals, smtpRoutes, ...hack })
    const [localPart = '', domain = ''] = address.split('@')
    const router = createRouter({ mailRoot: '/mail', tables })
    const route = await router.route({ mailbox: { localPart, domain } }, envelope)
    expect(route.key).toBe(key)
  })

  test('tables are asked anew for every recipient', async () => {
    const locals = new Set<string>()
    const smtpRoutes = parseSmtpRoutes(undefined).value
    const tables = () => ({ defaultHost: 'here.test', locals, smtpRoutes })
    const router = createRouter({ mailRoot: '/mail', tables })
    const bob = { mailbox: { localPart: 'bob', domain: 'late.test' } }
    expect(await router.route(bob, envelope)).toMatchObject({ transport: 'smtp' })
    locals.add('late.test')
    expect(await router.route(bob, envelope)).toMatchObject({ transport: 'maildir' })
  })

  test('no local-part leads out of the folder of its domain', async () => {
    const route = routerWith()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (localPart) => {
        const found = await route(localPart, 'here.test')
        const path = found.transport === 'maildir' ? found.path : ''
        expect(resolve(path)).toBe(path)
        expect(path.split(sep)).toHaveLength(4)
        expect(path.startsWith('/mail/here.test/')).toBe(true)
      }),
    )
  })
})
