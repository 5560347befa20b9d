import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ListenerConfiguration } from '../config/configuration.ts'
import type { ListenerTls, WrittenIdentity } from '../config/tls-section.ts'
import { formatMistake } from '../config/format-mistake.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { tlsIdentity } from '../testkit/tls-identity.ts'
import {
  certificateDoubts,
  certificateMistakes,
  chosenDoubts,
  chosenExpiries,
  wantsOwn,
} from './certificates.ts'

const fixture = (name: string): string =>
  readFileSync(new URL(`../../test/fixtures/tls/${name}`, import.meta.url), 'utf8')

const now = Date.UTC(2026, 10, 21)
const one = tlsIdentity(['one.test'])
const two = tlsIdentity(['two.test'])

function listener(name: string, tls?: ListenerTls): ListenerConfiguration {
  return {
    name,
    role: 'mx',
    receiver: undefined,
    address: { host: '127.0.0.1', port: 25 },
    handshakeTimeoutMs: 30_000,
    maxConnections: 10,
    maxConnectionsPerAddress: 10,
    maxConnectionsPerNetwork: undefined,
    maxLoad: undefined,
    handOver: false,
    place: { file: 'postern.yaml', path: ['listeners', 0], lineOf: () => 7 },
    ...(tls === undefined ? {} : { tls }),
  }
}

const shows = (...identities: WrittenIdentity[]): ListenerConfiguration =>
  listener('mx', { mode: 'starttls', identities })

describe('what makes a certificate unusable', () => {
  const mistakesWith = (first: Partial<WrittenIdentity>, second: Partial<WrittenIdentity> = {}) =>
    certificateMistakes(
      [shows({ ...one, at: [], ...first }, { ...two, at: ['certificates', 0], ...second })],
      nodeNet,
    ).map(formatMistake)

  test('nothing', () => {
    expect(mistakesWith({})).toEqual([])
  })

  test('is named with its line and key', () => {
    expect(mistakesWith({ key: two.key }, { certificate: 'no PEM' })).toEqual([
      'postern.yaml:7: listeners[0].key: is not the key of the certificate; name the key that the certificate was made for',
      'postern.yaml:7: listeners[0].certificates[0].certificate: holds no certificate that can be read; name a certificate in PEM, with its chain',
    ])
  })

  test.each(['', 'nonsense', one.certificate])('a key that is none: %j', (key) => {
    expect(mistakesWith({ key })).toEqual([
      'postern.yaml:7: listeners[0].key: holds no private key that can be read; name a private key in PEM, without a passphrase',
    ])
  })

  test.each([
    '',
    one.key,
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
    `${one.certificate}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`,
  ])('authorities that cannot be read: %j', (authorities) => {
    const clients = { authorities, required: true }
    const asking = listener('mx', { mode: 'implicit', identities: [], clients })
    expect(certificateMistakes([asking], nodeNet).map(formatMistake)).toEqual([
      'postern.yaml:7: listeners[0].client_certificates.ca: holds no certificate that can be read; name a file with the certificates of the authorities, in PEM',
    ])
  })

  test('a key that OpenSSL finds too weak', () => {
    const weak = { certificate: fixture('weak.test.pem'), key: fixture('weak.test.key') }
    expect(mistakesWith(weak)).toEqual([
      expect.stringMatching(
        /^postern\.yaml:7: listeners\[0\]\.certificate: cannot be used: .*key too small/,
      ),
    ])
  })

  test('neither a chain behind it nor text around it', () => {
    const certificate = `subject=one\n${one.certificate}${two.certificate}`
    expect(mistakesWith({ certificate })).toEqual([])
  })
})

describe('what makes a certificate hard to believe', () => {
  test('is its time', () => {
    const old = { ...tlsIdentity(['old.test'], Date.UTC(2026, 10, 20)), at: [] }
    expect(certificateDoubts([shows(old)], now).map(formatMistake)).toEqual([
      'postern.yaml:7: listeners[0].certificate: has expired on 2026-11-20; have it renewed; a new file is used without a restart',
    ])
    const early = certificateDoubts([shows(old)], Date.UTC(2019)).map(({ problem }) => problem)
    expect(early).toEqual(['is not in force before 2020-01-01'])
    expect(certificateDoubts([shows({ ...one, at: [] })], now)).toEqual([])
  })

  test('is its time as well where a rule of tcp.smtp chooses it', () => {
    const old = tlsIdentity(['old.test'], Date.UTC(2026, 10, 30))
    const chosen = [
      { path: '/etc/old.pem', held: old },
      { path: '/etc/one.pem', held: one },
      { path: '/etc/none.pem', held: { problem: 'is missing' } },
    ]
    expect(chosenDoubts(chosen, now)).toMatchObject([
      { file: '/etc/old.pem', problem: 'expires on 2026-11-30', code: 'certificate-expires' },
    ])
    expect(chosenExpiries(chosen)).toMatchObject([
      { listener: '', name: 'old.test', expiresAt: Date.UTC(2026, 10, 30) },
      { listener: '', name: 'one.test' },
    ])
  })
})

test('our own certificate is wanted where a listener with TLS names none', () => {
  const asOwn: ListenerTls = { mode: 'implicit', identities: [] }
  const listeners = [listener('plain'), listener('own', asOwn), shows({ ...one, at: [] })]
  expect(listeners.map(wantsOwn)).toEqual([false, true, false])
})
