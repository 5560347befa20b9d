import { describe, expect, test } from 'vitest'
import type { ListenerTls } from '../config/tls-section.ts'
import { parseTcpRules } from '../formats/tcprules.ts'
import { tcpRulesOfText } from '../formats/tcprules-lookup.ts'
import type { TlsContext, TlsSettings } from '../runtime/net.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { testSettings } from '../testkit/scripted-policy.ts'
import { tlsIdentity } from '../testkit/tls-identity.ts'
import { ruleDoubts } from './rule-doubts.ts'
import { choiceMistakes, TlsContexts } from './tls-contexts.ts'

const one = tlsIdentity(['one.test'])
const two = tlsIdentity(['two.test'])
const own = tlsIdentity(['own.test'])
const clients = { authorities: one.certificate, required: true }

/** Remembers what contexts were made of. */
function stage() {
  const made: TlsSettings[] = []
  const net = {
    tlsContext(settings: TlsSettings): TlsContext {
      made.push(settings)
      return nodeNet.tlsContext(settings)
    },
  }
  const shown: ListenerTls = { mode: 'starttls', identities: [{ ...one, at: [] }], clients }
  const contexts = new TlsContexts(
    [
      { name: 'mx', tls: shown },
      { name: 'own', tls: { mode: 'implicit', identities: [] } },
      { name: 'plain' },
    ],
    net,
    own,
  )
  made.length = 0
  return { contexts, made }
}

describe('the contexts of handshakes', () => {
  test('are the listener’s, our own where it names no certificate, and none where TLS is off', () => {
    const { contexts, made } = stage()
    expect(contexts.of('mx')).toBe(contexts.of('mx'))
    expect(contexts.of('own')).not.toBe(contexts.of('mx'))
    expect(contexts.of('plain')).toBeUndefined()
    expect(contexts.of('plain', { ciphers: 'HIGH' })).toBeUndefined()
    expect(made).toEqual([])
  })

  test('are made once for what rules choose, and anew when the certificate is', () => {
    const { contexts, made } = stage()
    const certificate = { path: 'of-a-rule.pem', held: two }
    const first = contexts.of('mx', { certificate, ciphers: 'HIGH' })
    expect(contexts.of('mx', { certificate, ciphers: 'HIGH' })).toBe(first)
    expect(contexts.of('mx', { certificate })).not.toBe(first)
    expect(contexts.of('own', { certificate })).not.toBe(contexts.of('mx', { certificate }))
    expect(made).toHaveLength(3)
    certificate.held = tlsIdentity(['two.test'])
    expect(contexts.of('mx', { certificate, ciphers: 'HIGH' })).not.toBe(first)
  })

  test('ask clients for certificates as the listener does, whatever is chosen', () => {
    const { contexts, made } = stage()
    contexts.of('mx', { certificate: { path: 'of-a-rule.pem', held: two } })
    contexts.of('mx', { ciphers: 'HIGH' })
    expect(made).toEqual([
      { ...two, others: [], clients },
      { certificate: one.certificate, key: one.key, others: [], clients, ciphers: 'HIGH' },
    ])
  })

  test.each([
    ['the list names no cipher that can be used (ciphers "nonsense")', { ciphers: 'nonsense' }],
    [
      'one.pem is missing',
      { certificate: { path: 'of-a-rule.pem', held: { problem: 'one.pem is missing' } } },
    ],
    [
      'certificate and key do not fit',
      {
        certificate: {
          path: 'of-a-rule.pem',
          held: { certificate: one.certificate, key: two.key },
        },
      },
    ],
  ])('are refused with the reason: %s', (problem, choice) => {
    const { contexts, made } = stage()
    expect(contexts.problem('mx', choice)).toBe(problem)
    const attempts = made.length
    expect(() => contexts.of('mx', choice)).toThrow(problem)
    expect(made).toHaveLength(attempts)
  })
})

test('a rule whose certificate or ciphers cannot be used is doubtful, one that can be is not', () => {
  const tcpRules = tcpRulesOfText(
    parseTcpRules(Buffer.from(':allow,TLSCIPHERS="HIGH"\n192.0.2.:allow,TLSCIPHERS="nonsense"\n')),
  )
  const listeners = [{ name: 'mx', handOver: false }]
  const generation = {
    entries: [],
    settingsOf: (_: string, { variables }: { variables: ReadonlyMap<string, string> }) => {
      const tls = { ciphers: variables.get('TLSCIPHERS') ?? '' }
      return { ok: true, settings: { ...testSettings, tls } } as const
    },
  }
  const { problem } = stage().contexts
  const read = { tcpRules, tcpRulesFile: 'tcp.smtp', listeners }
  expect(ruleDoubts(read, generation, problem)).toMatchObject([
    { line: 2, problem: expect.stringContaining('names no cipher') },
  ])
})

test('what the file itself chooses for all clients is a mistake where it cannot be used', () => {
  const { contexts } = stage()
  const place = { file: 'postern.yaml', path: ['listeners', 0], lineOf: () => 3 }
  const settings = { ...testSettings, tls: { ciphers: 'nonsense' } }
  const settingsOf = () => ({ ok: true, settings }) as const
  expect(choiceMistakes([{ name: 'mx', place }], settingsOf, contexts)).toMatchObject([
    { file: 'postern.yaml', line: 3, key: 'listeners[0].receiver' },
  ])
})
