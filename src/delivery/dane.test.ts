import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import type { TlsaRecord } from '../mail/tls-policy.ts'
import type { SecureDns } from '../runtime/secure-dns.ts'
import { byMx, stage } from '../testkit/next-hop-stage.ts'
import { scriptedHop } from '../testkit/scripted-hop.ts'
import { whileObeyed } from './dane.ts'

const usable: TlsaRecord = { usage: 3, selector: 1, matchingType: 1, data: Buffer.alloc(32) }
const unusable: TlsaRecord = { ...usable, usage: 1 }
const zones = {
  'there.test': {
    mx: [
      { exchange: 'a.test', preference: 10 },
      { exchange: 'b.test', preference: 20 },
    ],
  },
  'a.test': { addresses: ['192.0.2.10'] },
  'b.test': { addresses: ['192.0.2.20'] },
}

/** @param signed names that DNSSEC vouches for */
function dnssec(signed: readonly string[], records: readonly TlsaRecord[]): SecureDns {
  return {
    isMxSecure: async (name) => signed.includes(name),
    host: async (name) => ({ secure: signed.includes(name), canonicalName: name }),
    tlsa: async (name) =>
      name === '_25._tcp.a.test'
        ? { secure: signed.includes(name), records }
        : { secure: true, records: [] },
  }
}

const all = ['there.test', 'a.test', '_25._tcp.a.test']
const scene = (secureDns: SecureDns, extensions: readonly string[] = ['STARTTLS']) =>
  stage({
    route: byMx,
    zones,
    doors: { secureDns },
    hosts: { '192.0.2.10:25': scriptedHop({ extensions }).accepted },
  })

describe('a mail exchanger with TLSA records', () => {
  test('gets mail only if its certificate is the one they mean', async () => {
    const { handshakes, results } = scene(dnssec(all, [usable, unusable]))
    expect(await results).toMatchObject([{ outcome: 'delivered' }])
    expect(handshakes).toMatchObject([
      { verify: true, tlsa: [usable], names: ['a.test', 'there.test'] },
    ])
    expect(await scene(dnssec(all, [usable]), []).results).toMatchObject([{ outcome: 'deferred' }])
  })

  test('that nobody can use gets mail by TLS at least', async () => {
    const { handshakes, results } = scene(dnssec(all, [unusable]))
    expect(await results).toMatchObject([{ outcome: 'delivered' }])
    expect(handshakes).toMatchObject([{ verify: false }])
    expect(await scene(dnssec(all, [unusable]), []).results).toMatchObject([
      { outcome: 'deferred' },
    ])
  })

  test('that nobody can use takes nothing away from what MTA-STS or the operator asks for', async () => {
    const hosts = { '192.0.2.10:25': scriptedHop({ extensions: ['STARTTLS'] }).accepted }
    const secureDns = dnssec(all, [unusable])
    const stsPolicies = {
      find: async () => ({ mode: 'enforce', mx: ['a.test'], maxAgeSeconds: 1 }) as const,
    }
    for (const more of [
      { doors: { secureDns, stsPolicies } },
      { doors: { secureDns }, settings: { defaultTls: { level: 'verify' } as const } },
    ]) {
      const { handshakes, results } = stage({ route: byMx, zones, hosts, ...more })
      expect(await results).toMatchObject([{ outcome: 'delivered' }])
      expect(handshakes).toMatchObject([{ verify: true }])
    }
  })

  test('and is an alias, is held to the records of the name behind it, else to its own', async () => {
    for (const [at, name] of [
      ['_25._tcp.real.test', 'real.test'],
      ['_25._tcp.a.test', 'a.test'],
    ] as const) {
      const { handshakes, results } = scene({
        ...dnssec(all, []),
        host: async () => ({ secure: true, canonicalName: 'real.test' }),
        tlsa: async (asked) => ({ secure: true, records: asked === at ? [usable] : [] }),
      })
      expect(await results).toMatchObject([{ outcome: 'delivered' }])
      expect(handshakes).toMatchObject([
        { tlsa: [usable], servername: name, names: [name, 'there.test'] },
      ])
    }
  })

  test.each(all)('where DNSSEC does not vouch for %s gets mail as ever', async (name) => {
    const signed = all.filter((other) => other !== name)
    expect(await scene(dnssec(signed, [usable]), []).results).toMatchObject([
      { outcome: 'delivered' },
    ])
  })

  test('is asked about as long as the configuration in force obeys them', async () => {
    let isObeyed = false
    const { results, deliver } = scene(
      whileObeyed(dnssec(all, [usable]), () => isObeyed),
      [],
    )
    expect(await results).toMatchObject([{ outcome: 'delivered' }])
    isObeyed = true
    expect(await deliver()).toMatchObject([{ outcome: 'deferred' }])
  })

  test('that can not be asked for is passed over, not believed to have none', async () => {
    const secureDns: SecureDns = {
      ...dnssec(all, []),
      tlsa: async (name) => {
        if (name === '_25._tcp.a.test') throw new PosternError('DNS_FAILED', 'SERVFAIL')
        return { secure: true, records: [] }
      },
    }
    const { calls, results } = scene(secureDns)
    expect(await results).toMatchObject([{ outcome: 'deferred' }])
    expect(calls).toEqual(['192.0.2.20:25'])
  })
})
