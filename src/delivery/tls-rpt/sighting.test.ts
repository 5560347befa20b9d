import { describe, expect, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import { byMx, stage, type Scene } from '../../testkit/next-hop-stage.ts'
import { scriptedHop, type HopOptions } from '../../testkit/scripted-hop.ts'
import type { StsPolicy } from '../mta-sts/policy.ts'
import type { TlsSighting } from './sighting.ts'

async function seenWith(hop: HopOptions, scene: Scene = {}, sts?: StsPolicy) {
  const seen: TlsSighting[] = []
  const { results } = stage({
    route: byMx,
    zones: {
      'there.test': { mx: [{ exchange: 'mx.there.test', preference: 10 }] },
      'mx.there.test': { addresses: ['192.0.2.10'] },
    },
    hosts: { '192.0.2.10:25': scriptedHop({ extensions: ['STARTTLS'], ...hop }).accepted },
    ...scene,
    doors: {
      ...scene.doors,
      tlsSeen: (sighting) => seen.push(sighting),
      ...(sts === undefined ? {} : { stsPolicies: { find: async () => sts } }),
    },
  })
  await results
  return seen
}

const sts: StsPolicy = { mode: 'enforce', mx: ['mx.there.test'], maxAgeSeconds: 60 }
const hop = { name: 'mx.there.test', address: '192.0.2.10' }

describe('of a session with a mail exchanger is seen', () => {
  test('that TLS was agreed on, and what its domain said of it', async () => {
    const policy = { type: 'no-policy-found', lines: [], mx: [] }
    expect(await seenWith({})).toMatchObject([{ domain: 'there.test', hop, policy, outcome: {} }])
    const lines = ['version: STSv1', 'mode: enforce', 'mx: mx.there.test', 'max_age: 60']
    expect(await seenWith({}, {}, sts)).toMatchObject([
      { policy: { type: 'sts', lines, mx: ['mx.there.test'] }, outcome: {} },
    ])
  })

  test.each([
    ['STARTTLS was not offered', { extensions: [] }, 'starttls-not-supported'],
    ['STARTTLS was refused', { answers: { STARTTLS: '454 no' } }, 'starttls-not-supported'],
    ['the handshake failed', { tls: 'fails' }, 'validation-failure'],
  ] as const)('once that %s, whether it is borne or not', async (_, options, failure) => {
    for (const policy of [undefined, sts]) {
      const seen = await seenWith(options, {}, policy)
      expect(seen.map(({ outcome }) => outcome.failure)).toEqual([failure])
    }
  })

  test('that a policy does not name it', async () => {
    for (const mode of ['enforce', 'testing'] as const) {
      const seen = await seenWith({}, {}, { ...sts, mode, mx: ['other.test'] })
      expect(seen).toMatchObject([
        { outcome: { failure: 'validation-failure', reason: 'mx-mismatch' } },
      ])
    }
  })

  test('that DNSSEC does not hold', async () => {
    const fails = async () => Promise.reject(new PosternError('DNS_FAILED', 'SERVFAIL'))
    const secureDns = { isMxSecure: fails, host: fails, tlsa: fails }
    expect(await seenWith({}, { doors: { secureDns } })).toMatchObject([
      { policy: { type: 'tlsa' }, outcome: { failure: 'dnssec-invalid' } },
    ])
  })

  test('nothing where the operator has the say, or the message does without TLS', async () => {
    const told = { settings: { tlsPolicy: () => ({ level: 'may' }) as const } }
    expect(await seenWith({}, told)).toEqual([])
    expect(await seenWith({}, { settings: { defaultTls: { level: 'none' } } })).toEqual([])
  })

  test('nothing where it turns us away before', async () => {
    expect(await seenWith({ answers: { greeting: '554 no' } })).toEqual([])
  })
})
