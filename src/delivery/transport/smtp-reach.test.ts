/** Which host gets the mail, and under which protection. */
import { describe, expect, test } from 'vitest'
import type { TlsPolicy } from '../../mail/tls-policy.ts'
import type { FakeZones } from '../../testkit/fake-dns.ts'
import { memoryMessage } from '../../testkit/memory-message.ts'
import { byMx, meet, relay, stage, type Scene } from '../../testkit/next-hop-stage.ts'
import { scriptedHop, type HopOptions } from '../../testkit/scripted-hop.ts'

const mx = (exchange: string, preference: number) => ({ exchange, preference })
const zones: FakeZones = {
  'there.test': { mx: [mx('c.test', 30), mx('b.test', 20), mx('b2.test', 20), mx('a.test', 10)] },
  'a.test': { addresses: ['192.0.2.10'] },
  'b.test': { addresses: ['192.0.2.20'] },
  'b2.test': { addresses: ['192.0.2.21'] },
  'c.test': { addresses: ['192.0.2.30'] },
}

describe('where this host is a mail exchanger of the domain', () => {
  const route = byMx

  test('only better ones are tried', async () => {
    const { calls, results } = stage({ route, zones, own: ['192.0.2.20'] })
    expect(await results).toMatchObject([{ outcome: 'deferred', status: '4.4.1' }])
    expect(calls).toEqual(['192.0.2.10:25'])
  })

  test('by its name, likewise', async () => {
    const { calls, results } = stage({ route, zones, settings: { helloName: 'B2.test' } })
    await results
    expect(calls).toEqual(['192.0.2.10:25'])
  })

  test.each([{ own: ['192.0.2.10'] }, { settings: { helloName: 'a.test' } }])(
    'and the best, the mail fails: it would go round in circles (%j)',
    async (scene) => {
      const { calls, results } = stage({ route, zones, ...scene })
      expect(await results).toMatchObject([{ outcome: 'failed', status: '5.4.6' }])
      expect(calls).toEqual([])
    },
  )

  test('it is so by whichever way of writing its address', async () => {
    const { calls, results } = stage({
      route,
      zones: { 'there.test': { addresses: ['::ffff:192.0.2.20'] } },
      own: ['192.0.2.20'],
    })
    expect(await results).toMatchObject([{ outcome: 'failed', status: '5.4.6' }])
    expect(calls).toEqual([])
  })

  test.each(['127.0.0.1', '::1', '0.0.0.0', '::', '::ffff:127.0.0.1', '::ffff:7f00:1'])(
    '%s is this host everywhere',
    async (address) => {
      const { results } = stage({ route, zones: { 'there.test': { addresses: [address] } } })
      expect(await results).toMatchObject([{ outcome: 'failed', status: '5.4.6' }])
    },
  )

  test('a relay that smtproutes names is believed to be another program', async () => {
    const { result } = await meet({}, { own: ['192.0.2.1'] })
    expect(result.outcome).toBe('delivered')
  })
})

test('relays on several ports are tried in their order, each under its own terms of TLS', async () => {
  const others = [
    { host: '192.0.2.1', port: 465, implicitTls: true },
    { host: '192.0.2.2', port: 26 },
  ]
  const hop = scriptedHop()
  const { calls, results } = stage({
    route: { ...relay, others },
    hosts: { '192.0.2.2:26': hop.accepted },
  })
  expect(await results).toMatchObject([{ outcome: 'delivered' }])
  expect(calls).toEqual(['192.0.2.1:2525', '192.0.2.1:465', '192.0.2.2:26'])
  expect(hop.taken[0]?.encrypted).toBe(false)
})

test('the source address is the one of the family of the next hop', async () => {
  const from: string[] = []
  const hop = scriptedHop()
  const { results } = stage({
    settings: { sourceAddresses: ['2001:db8::99', '192.0.2.99'] },
    hosts: {
      '192.0.2.1:2525': (connection) => {
        from.push(connection.remote.address)
        hop.accepted(connection)
      },
    },
  })
  await results
  expect(from).toEqual(['192.0.2.99'])
})

const under = (tls: TlsPolicy, options: HopOptions, scene: Scene = {}) =>
  meet(options, { settings: { tlsPolicy: () => tls }, ...scene })

describe('a TLS policy', () => {
  const tls = ['STARTTLS']

  test('`none` does not ask for TLS', async () => {
    const { hop } = await under({ level: 'none' }, { extensions: tls })
    expect(hop.commands).not.toContain('STARTTLS')
    expect(hop.taken).toHaveLength(1)
  })

  test.each([
    ['is not offered', { extensions: [] }],
    ['is refused', { extensions: tls, answers: { STARTTLS: '454 4.7.0 No' } }],
    ['fails', { extensions: tls, tls: 'fails' }],
  ] as const)('`encrypt` and `verify` defer where TLS %s', async (_, options) => {
    for (const level of ['encrypt', 'verify'] as const) {
      const { hop, result } = await under({ level }, options)
      expect(result).toMatchObject({ outcome: 'deferred', status: '4.7.5' })
      expect(hop.commands.join()).not.toContain('MAIL')
    }
  })

  test('`encrypt` goes on to the next host where one has no TLS', async () => {
    const hosts = {
      '192.0.2.10:25': scriptedHop({ extensions: [] }).accepted,
      '192.0.2.20:25': scriptedHop({ extensions: tls }).accepted,
    }
    const settings = { tlsPolicy: () => ({ level: 'encrypt' }) as const }
    const [result] = await stage({ route: byMx, zones, hosts, settings, dice: () => 0 }).results
    expect(result).toMatchObject({ outcome: 'delivered', remote: 'b.test (192.0.2.20)' })
  })

  test('`encrypt` never logs in with a password in the clear, whatever the route says', async () => {
    const login = { user: 'u', password: { reveal: () => 'p' }, withoutTls: true }
    const { hop, result } = await under(
      { level: 'encrypt' },
      { extensions: [...tls, 'AUTH PLAIN'] },
      { route: { ...relay, login } },
    )
    expect(result.outcome).toBe('delivered')
    expect(hop.commands.indexOf('STARTTLS')).toBeLessThan(
      hop.commands.findIndex((line) => line.startsWith('AUTH')),
    )
  })

  test('`verify` holds the certificate against the host, or against the names it gives', async () => {
    for (const names of [undefined, ['mail.example']]) {
      const policy: TlsPolicy = { level: 'verify', ...(names === undefined ? {} : { names }) }
      const { hop, handshakes } = await under(policy, { extensions: tls })
      expect(hop.taken[0]?.encrypted).toBe(true)
      expect(handshakes[0]).toMatchObject({ verify: true, servername: '192.0.2.1' })
      expect(handshakes[0]).toEqual(expect.objectContaining(names === undefined ? {} : { names }))
    }
  })
})

describe('REQUIRETLS (RFC 8689)', () => {
  const envelope = { requireTls: true }
  const extensions = ['STARTTLS', 'REQUIRETLS']

  test('goes on with the message, to a host whose certificate was verified', async () => {
    const { hop, result, handshakes } = await meet({ extensions }, { envelope })
    expect(result.outcome).toBe('delivered')
    expect(hop.commands).toContain('MAIL FROM:<ann@here.test> REQUIRETLS')
    expect(handshakes).toMatchObject([{ verify: true }])
  })

  test('of a notification goes on where that is known, and costs it nothing where it is not', async () => {
    const notification = { ...envelope, reversePath: null }
    const known = await meet({ extensions }, { envelope: notification })
    expect(known.hop.commands).toContain('MAIL FROM:<> REQUIRETLS')
    const unknown = await meet({ extensions: ['STARTTLS'] }, { envelope: notification })
    expect(unknown.result.outcome).toBe('delivered')
    expect(unknown.hop.commands).toContain('MAIL FROM:<>')
  })

  test.each([
    ['does not know it', { extensions: ['STARTTLS'] }],
    ['has no TLS', { extensions: ['REQUIRETLS'] }],
    ['can not be verified', { extensions, tls: 'fails' }],
  ] as const)('fails where the next hop %s', async (_, options) => {
    const { hop, result } = await meet(options, { envelope })
    expect(result).toMatchObject({ outcome: 'failed', status: '5.7.30' })
    expect(hop.commands.join()).not.toContain('MAIL')
  })

  test('fails where only the DNS says which host it is, unless a policy says `verify`', async () => {
    const hop = scriptedHop({ extensions })
    const scene = { route: byMx, zones, envelope, hosts: { '192.0.2.10:25': hop.accepted } }
    expect(await stage(scene).results).toMatchObject([{ outcome: 'failed', status: '5.7.30' }])
    const settings = { tlsPolicy: () => ({ level: 'verify' }) as const }
    expect(await stage({ ...scene, settings }).results).toMatchObject([{ outcome: 'delivered' }])
  })

  test('defers where the host hangs up on the way into TLS', async () => {
    const { result } = await meet({ extensions, answers: { STARTTLS: 'hang-up' } }, { envelope })
    expect(result).toMatchObject({ outcome: 'deferred', status: '4.7.5' })
  })

  test('defers where no host can be reached now', async () => {
    const { results } = stage({ envelope })
    expect(await results).toMatchObject([{ outcome: 'deferred', status: '4.4.1' }])
  })
})

describe('a domain with an MTA-STS policy', () => {
  const policy = (mode: 'enforce' | 'testing', ...names: string[]) => ({
    stsPolicies: { find: async () => ({ mode, mx: names, maxAgeSeconds: 1 }) },
  })
  const hosts = (a: HopOptions, b: HopOptions = {}) => ({
    '192.0.2.10:25': scriptedHop(a).accepted,
    '192.0.2.20:25': scriptedHop(b).accepted,
  })
  const tls = { extensions: ['STARTTLS', 'REQUIRETLS'] }
  const scene = { route: byMx, zones, dice: () => 0 }

  test('gets its mail by verified TLS from the hosts that it names alone', async () => {
    const doors = policy('enforce', 'b.test')
    const { calls, handshakes, results } = stage({ ...scene, hosts: hosts(tls, tls), doors })
    expect(await results).toMatchObject([{ remote: 'b.test (192.0.2.20)' }])
    expect(calls).toEqual(['192.0.2.20:25'])
    expect(handshakes).toMatchObject([{ verify: true, servername: 'b.test' }])
  })

  test('gets none in the clear, and none by a host that it does not name', async () => {
    const clear = policy('enforce', 'a.test')
    const refused = stage({ ...scene, hosts: hosts({ extensions: [] }), doors: clear })
    expect(await refused.results).toMatchObject([{ outcome: 'deferred', status: '4.7.5' }])
    const strange = stage({ ...scene, hosts: hosts(tls), doors: policy('enforce', 'x.test') })
    expect(await strange.results).toMatchObject([{ outcome: 'deferred', status: '4.7.5' }])
    expect(strange.calls).toEqual([])
  })

  test('is a name to be trusted for REQUIRETLS', async () => {
    const doors = policy('enforce', 'a.test')
    const envelope = { requireTls: true }
    const { results } = stage({ ...scene, hosts: hosts(tls), doors, envelope })
    expect(await results).toMatchObject([{ outcome: 'delivered' }])
  })

  test.each([
    ['that is only tested', { doors: policy('testing', 'x.test') }],
    [
      'against which the operator has decided',
      {
        doors: policy('enforce', 'x.test'),
        settings: { tlsPolicy: (): TlsPolicy => ({ level: 'may' }) },
      },
    ],
    [
      'that the sender of the message waives (TLS-Required: No)',
      {
        doors: policy('enforce', 'x.test'),
        message: memoryMessage('TLS-Required: No\r\n\r\nhi\r\n'),
      },
    ],
  ] as const)('%s gets its mail as ever', async (_, more) => {
    const { results } = stage({ ...scene, hosts: hosts({ extensions: [] }), ...more })
    expect(await results).toMatchObject([{ outcome: 'delivered' }])
  })
})

describe('TLS from the first byte', () => {
  const route = { ...relay, implicitTls: true }

  test('comes before the greeting, and without it there is no session', async () => {
    const { hop, result } = await meet({ implicitTls: true, extensions: ['STARTTLS'] }, { route })
    expect(result.outcome).toBe('delivered')
    expect(hop.taken[0]?.encrypted).toBe(true)
    expect(hop.commands).not.toContain('STARTTLS')
    const broken = await meet({ implicitTls: true, tls: 'fails' }, { route })
    expect(broken.result).toMatchObject({ outcome: 'deferred', status: '4.7.5' })
    expect(broken.calls).toHaveLength(1)
  })
})
