import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { TlsaRecord } from '../../mail/tls-policy.ts'
import type { Connection } from '../net.ts'
import { daneProblem } from './dane.ts'
import { nodeNet } from './net.ts'

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../test/fixtures/tls/${name}`, import.meta.url), 'utf8')
const chain = fixture('signed.test.pem')
  .split(/(?=-----BEGIN)/)
  .map((pem) => new X509Certificate(pem))
const [leaf, authority] = chain
const stranger = new X509Certificate(fixture('mx.test.pem'))

function record(
  certificate: X509Certificate,
  usage = 3,
  selector = 1,
  matchingType = 1,
): TlsaRecord {
  const selected =
    selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const hash = ['', 'sha256', 'sha512'][matchingType] ?? ''
  const data = hash === '' ? selected : createHash(hash).update(selected).digest()
  return { usage, selector, matchingType, data }
}

const problem = (records: readonly TlsaRecord[], more = {}) =>
  daneProblem({ chain, records, names: ['signed.test'], now: Date.now(), ...more })

describe('TLSA records', () => {
  test.each([0, 1].flatMap((selector) => [0, 1, 2].map((type) => [selector, type] as const)))(
    'that mean the certificate of the server are satisfied, selector %i, matching type %i',
    (selector, type) => {
      expect(problem([record(leaf!, 3, selector, type)])).toBeUndefined()
    },
  )

  test('of usage 3 ask neither for a name nor for a date', () => {
    expect(problem([record(leaf!)], { names: ['other.test'], now: 0 })).toBeUndefined()
  })

  test('of usage 2 are satisfied by a certificate that the authority has signed', () => {
    expect(problem([record(authority!, 2)])).toBeUndefined()
    expect(problem([record(authority!, 2, 0, 0)])).toBeUndefined()
  })

  test.each([
    ['another name', { names: ['other.test'] }],
    ['a date that has not come', { now: 0 }],
    ['an authority that signed nothing of it', { chain: [stranger, authority] }],
    ['no certificate', { chain: [] }],
  ])('of usage 2 are not satisfied by %s', (_, more) => {
    expect(problem([record(authority!, 2)], more)).toBeDefined()
  })

  test('that mean somebody else are not satisfied', () => {
    expect(problem([record(stranger), record(authority!, 3)])).toContain('not the one')
    expect(problem([])).toBeDefined()
  })

  test('of the usages for the web say nothing in SMTP', () => {
    expect(problem([record(leaf!, 1), record(authority!, 0)])).toBeDefined()
  })

  test.each([
    ['the right record', 0, undefined],
    ['the authority’s record', 1, undefined],
    ['a record of somebody else', 2, 'PEER_FAILED'],
  ] as const)('decide about a real handshake: %s', async (_, which, code) => {
    const context = nodeNet.tlsContext({
      certificate: fixture('signed.test.pem'),
      key: fixture('signed.test.key'),
    })
    const accepted = Promise.withResolvers<Connection>()
    const listener = await nodeNet.listen({
      address: { host: '127.0.0.1', port: 0 },
      accepted: accepted.resolve,
      failed: () => {},
    })
    const { address } = listener
    if ('inherited' in address) throw new Error('it has an address of its own')
    const client = await nodeNet.connect({ address, timeoutMs: 30_000 })
    const server = await accepted.promise
    const tlsa = [[record(leaf!)], [record(authority!, 2)], [record(stranger)]][which] ?? []
    const [, handshake] = await Promise.allSettled([
      server.startTls({ side: 'server', context, timeoutMs: 30_000 }),
      client.startTls({
        side: 'client',
        servername: 'signed.test',
        verify: true,
        tlsa,
        timeoutMs: 30_000,
      }),
    ])
    const reason: unknown = handshake.status === 'rejected' ? handshake.reason : {}
    expect(reason).toMatchObject(code === undefined ? {} : { code })
    expect(handshake.status).toBe(code === undefined ? 'fulfilled' : 'rejected')
    client.destroy()
    server.destroy()
    await listener.close()
  })
})
