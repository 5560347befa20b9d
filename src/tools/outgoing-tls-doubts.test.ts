import { expect, test } from 'vitest'
import { parseVirtualDomains } from '../formats/control-domains.ts'
import { domainTable } from '../formats/domain-table.ts'
import { parseRouteTarget } from '../formats/route-target.ts'
import { parseQmtpRoutes, parseSmtpRoutes } from '../formats/smtproutes.ts'
import type { TlsPolicy } from '../mail/tls-policy.ts'
import { outgoingTlsDoubts, type RoutedTls } from './outgoing-tls-doubts.ts'

interface Written {
  readonly tls: Readonly<Record<string, TlsPolicy['level']>>
  readonly smtproutes?: string
  readonly qmtproutes?: string
  readonly virtualdomains?: string
  readonly routes?: Readonly<Record<string, string>>
}

function doubtsOf({ tls, smtproutes, qmtproutes, virtualdomains, routes = {} }: Written) {
  const bytes = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text))
  const policies = new Map(Object.entries(tls).map(([key, level]) => [key, { level }]))
  const targets = Object.entries(routes).flatMap(([key, text]) => {
    const target = parseRouteTarget(text)
    return target === undefined ? [] : [[key, target] as const]
  })
  const control: Partial<RoutedTls['control']> = {
    envNoAtHost: 'gw.test',
    locals: new Set(['ours.test']),
    virtualDomains: parseVirtualDomains(bytes(virtualdomains)).value,
    smtpRoutes: parseSmtpRoutes(bytes(smtproutes)).value,
    qmtpRoutes: parseQmtpRoutes(bytes(qmtproutes)).value,
  }
  return outgoingTlsDoubts({
    control: control as RoutedTls['control'],
    delivery: {
      local: virtualdomains === undefined ? 'maildirs' : 'users',
      routes: domainTable(new Map(targets)),
      tls: { policies: domainTable(policies), otherwise: policies.get('*') ?? { level: 'may' } },
    },
    receiver: { place: { file: 'postern.yaml', path: ['receiver'], lineOf: () => 9 } },
  })
}

test('a policy for a domain whose mail goes to a relay is doubted where it stands', () => {
  const tls = { 'partner.test': 'verify' } as const
  expect(doubtsOf({ tls, smtproutes: 'partner.test:hub.test\n' })).toEqual([
    {
      file: 'postern.yaml',
      line: 9,
      key: 'delivery.tls.partner.test',
      problem:
        'does not count for mail to partner.test: it goes by SMTP to hub.test, for which it is may',
      remedy: 'write delivery: { tls: { hub.test: verify } }, and take the other away',
      code: 'relay-tls',
    },
  ])
  expect(doubtsOf({ tls, smtproutes: ':hub.test\n' })).toHaveLength(1)
  expect(doubtsOf({ tls, routes: { 'partner.test': 'smtp:hub.test:587' } })).toHaveLength(1)
  expect(doubtsOf({ tls, routes: { 'partner.test': 'lmtp:hub.test:24' } })).toHaveLength(1)
  expect(doubtsOf({ tls, smtproutes: 'partner.test:[2001:db8::1]\n' })).toMatchObject([
    { remedy: expect.stringMatching(/^name the relay by a host name/) },
  ])
  expect(doubtsOf({ tls, qmtproutes: 'partner.test:hub.test\n' })).toMatchObject([
    { remedy: 'QMTP has no TLS: route the mail by SMTP, or take the policy away' },
  ])
})

test('a policy for all below a name is doubted for each of them that has a relay', () => {
  const smtproutes = 'a.partner.test:hub.test\nb.partner.test:two.test\n'
  expect(doubtsOf({ tls: { '.partner.test': 'encrypt' }, smtproutes })).toMatchObject([
    { problem: expect.stringContaining('a.partner.test') },
    { problem: expect.stringContaining('b.partner.test') },
  ])
})

test('each relay of a route must be as safe', () => {
  const smtproutes = 'partner.test:hub.test,two.test\n'
  const tls = { 'partner.test': 'encrypt' } as const
  expect(doubtsOf({ tls: { ...tls, 'hub.test': 'encrypt' }, smtproutes })).toEqual([])
  expect(doubtsOf({ tls: { ...tls, 'two.test': 'encrypt' }, smtproutes })).toMatchObject([
    { problem: expect.stringContaining('to hub.test') },
  ])
})

test.each<[string, Written]>([
  [
    'the relay has the same',
    { tls: { 'a.test': 'verify', 'hub.test': 'verify' }, smtproutes: 'a.test:hub.test\n' },
  ],
  [
    'the relay has more',
    { tls: { 'a.test': 'encrypt', 'hub.test': 'verify' }, smtproutes: 'a.test:hub.test\n' },
  ],
  ['everybody has it', { tls: { 'a.test': 'verify', '*': 'verify' }, smtproutes: ':hub.test\n' }],
  ['the relay lies below it', { tls: { '.a.test': 'verify' }, smtproutes: '.a.test:hub.a.test\n' }],
  ['the relay itself is named', { tls: { 'hub.test': 'verify' }, smtproutes: ':hub.test\n' }],
  ['mail goes to the mail exchangers', { tls: { 'a.test': 'verify' }, smtproutes: 'b.test:hub\n' }],
  [
    'it may be that of an exchanger',
    { tls: { 'mx.a.test': 'verify' }, smtproutes: 'a.test:\n:hub.test\n' },
  ],
  [
    'the relay is reached by TLS alone',
    { tls: { 'a.test': 'encrypt' }, routes: { 'a.test': 'smtps:hub.test' } },
  ],
  [
    'the next hop is on this host',
    { tls: { 'a.test': 'verify' }, routes: { 'a.test': 'lmtp:/s' } },
  ],
  [
    'mail is delivered here',
    {
      tls: { 'ours.test': 'verify', 'v.test': 'verify' },
      virtualdomains: 'v.test:joe\n',
      smtproutes: ':hub.test\n',
    },
  ],
])('nothing is doubted where %s', (_, written) => {
  expect(doubtsOf(written)).toEqual([])
})
