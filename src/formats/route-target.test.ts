import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { domainTable, domainTableKey } from './domain-table.ts'
import { parseRouteTarget } from './route-target.ts'

describe('a target of mail', () => {
  test.each([
    ['mx', { kind: 'mx' }],
    ['smtp:relay.test', { kind: 'smtp', host: 'relay.test', port: 25, implicitTls: false }],
    ['smtp:192.0.2.1:2525', { kind: 'smtp', host: '192.0.2.1', port: 2525, implicitTls: false }],
    ['smtp:[2001:db8::1]', { kind: 'smtp', host: '2001:db8::1', port: 25, implicitTls: false }],
    ['smtps:relay.test', { kind: 'smtp', host: 'relay.test', port: 465, implicitTls: true }],
    ['qmtp:hub.test', { kind: 'qmtp', host: 'hub.test', port: 209 }],
    ['qmtp:[::1]:2209', { kind: 'qmtp', host: '::1', port: 2209 }],
    ['lmtp:agent.test', { kind: 'lmtp', to: { host: 'agent.test', port: 24 } }],
    ['lmtp:[::1]:10024', { kind: 'lmtp', to: { host: '::1', port: 10_024 } }],
    ['lmtp:/run/dovecot/lmtp', { kind: 'lmtp', to: { path: '/run/dovecot/lmtp' } }],
    ['lmtp:unix:/run/dovecot/lmtp', { kind: 'lmtp', to: { path: '/run/dovecot/lmtp' } }],
  ] as const)('%s is read', (text, target) => {
    expect(parseRouteTarget(text)).toEqual(target)
  })

  test.each([
    '',
    'MX',
    'relay.test',
    'smtp:',
    'smtp:a:0',
    'smtp:a:65536',
    'smtp:::1',
    'lmtp:unix:',
  ])('%j is none', (text) => {
    expect(parseRouteTarget(text)).toBeUndefined()
  })

  test('has a host that no command and no log line breaks at, whatever was written', () => {
    const nearly = fc.stringMatching(/^(smtps?|lmtp):[[\]a-z0-9.:\s/-]{0,20}$/)
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (text) => {
        const target = parseRouteTarget(text)
        const host = target?.kind === 'smtp' ? target.host : 'none'
        expect(host).toMatch(/^[\w.:-]+$/)
      }),
    )
  })
})

describe('a table of domains', () => {
  const table = domainTable(
    new Map([
      ['a.test', 1],
      ['.a.test', 2],
      ['.test', 3],
    ]),
  )

  test.each([
    ['A.test', 1],
    ['x.a.test', 2],
    ['b.test', 3],
    ['test', undefined],
    ['example', undefined],
  ])('says of %s: %s', (domain, value) => {
    expect(table.find(domain)).toBe(value)
  })

  test.each([
    ['Example.ORG', 'example.org'],
    ['.example.org', '.example.org'],
    ['*', undefined],
    ['a..b', undefined],
    ['a b', undefined],
    ['', undefined],
    ['.', undefined],
  ])('has %j as the key %s', (text, key) => {
    expect(domainTableKey(text)).toBe(key)
  })
})
