import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import { formatMistake } from './format-mistake.ts'
import { readConfiguration, type ConfigurationReading } from './read-configuration.ts'

const files: ReadonlyMap<string, string> = new Map([
  ['control/me', 'mx.test\n'],
  ['a.pem', 'certificate a'],
  ['a.key', 'key a'],
  ['b.pem', 'certificate b'],
  ['b.key', 'key b'],
  ['ca.pem', 'authorities'],
])

/** A configuration whose only listener has these lines. */
function reading(lines: string, listen = '127.0.0.1:25'): ConfigurationReading {
  const never = () => expect.fail('no section opens a file')
  const yaml = `listeners:\n  - name: mx\n    listen: ${listen}\n${lines}`
  return readConfiguration({
    folder: '/etc/postern',
    shownAs: 'config',
    resources: { file: never, table: never, cdb: never },
    readFile(path) {
      const name = path.replace('/etc/postern/', '')
      const text = name === 'postern.yaml' ? yaml : files.get(name)
      if (text === undefined) throw new PosternError('NOT_FOUND', path)
      return new TextEncoder().encode(text)
    },
  })
}

const tlsOf = (lines: string, listen?: string) => {
  const { configuration, mistakes } = reading(lines, listen)
  expect(mistakes).toEqual([])
  return configuration?.listeners[0]?.tls
}
const mistakesIn = (lines: string) => reading(lines).mistakes.map(formatMistake)

const a = { certificate: 'certificate a', key: 'key a' }
const b = { certificate: 'certificate b', key: 'key b' }

describe('TLS of a listener', () => {
  test('is STARTTLS with our own certificate where nothing is said', () => {
    expect(tlsOf('')).toEqual({ mode: 'starttls', identities: [] })
    expect(tlsOf('    tls: implicit\n')).toEqual({ mode: 'implicit', identities: [] })
  })

  test('begins with the first byte where the role is smtps, unless the listener says otherwise', () => {
    expect(tlsOf('    role: smtps\n')?.mode).toBe('implicit')
    expect(tlsOf('    role: smtps\n    tls: starttls\n')?.mode).toBe('starttls')
    expect(tlsOf('    role: submission\n')?.mode).toBe('starttls')
  })

  test('is off where the listener says so, and on a UNIX socket that names no certificate', () => {
    expect(tlsOf('    tls: off\n')).toBeUndefined()
    expect(tlsOf('', '/run/smtp.sock')).toBeUndefined()
    expect(tlsOf('    tls: starttls\n', '/run/smtp.sock')?.mode).toBe('starttls')
    expect(tlsOf('    certificate: a.pem\n    key: a.key\n', '/run/smtp.sock')?.mode).toBe(
      'starttls',
    )
  })

  test('has certificates in their order, each where it was written', () => {
    const lines = `    certificate: a.pem
    key: a.key
    certificates:
      - { certificate: b.pem, key: b.key }
`
    expect(tlsOf(lines)?.identities).toEqual([
      { ...a, at: [] },
      { ...b, at: ['certificates', 0] },
    ])
    const { configuration } = reading(lines)
    expect(configuration?.certificateFiles).toEqual([
      '/etc/postern/a.pem',
      '/etc/postern/a.key',
      '/etc/postern/b.pem',
      '/etc/postern/b.key',
    ])
  })

  test('may ask clients for certificates', () => {
    expect(tlsOf('    client_certificates: { ca: ca.pem }\n')?.clients).toEqual({
      authorities: 'authorities',
      required: false,
    })
    expect(
      tlsOf('    client_certificates: { ca: ca.pem, required: true }\n')?.clients?.required,
    ).toBe(true)
    const { configuration } = reading('    client_certificates: { ca: ca.pem }\n')
    expect(configuration?.certificateFiles).toEqual(['/etc/postern/ca.pem'])
  })

  test('has a deadline for the handshake', () => {
    const { configuration } = reading('    handshake_timeout: 5s\n')
    expect(configuration?.listeners[0]?.handshakeTimeoutMs).toBe(5_000)
    expect(reading('').configuration?.listeners[0]?.handshakeTimeoutMs).toBe(30_000)
  })
})

describe('a mistake about TLS names file, line, key and remedy', () => {
  test.each([
    [
      '    certificate: a.pem\n',
      'config/postern.yaml:2: listeners[0]: key is missing; give both certificate and key',
    ],
    [
      '    certificate: gone.pem\n    key: a.key\n',
      'config/postern.yaml:4: listeners[0].certificate: there is no file gone.pem; write the path of a PEM file',
    ],
    [
      '    certificates:\n      - { certificate: b.pem, key: gone.key }\n',
      'config/postern.yaml:5: listeners[0].certificates[0].key: there is no file gone.key; write the path of a PEM file',
    ],
    [
      '    certificates:\n      - b.pem\n',
      'config/postern.yaml:5: listeners[0].certificates[0]: is not a certificate with its key; write { certificate: FILE, key: FILE }',
    ],
    [
      '    certificates:\n      - { certificate: b.pem, key: b.key, name: b }\n',
      'config/postern.yaml:5: listeners[0].certificates[0]: is not a certificate with its key; write { certificate: FILE, key: FILE }',
    ],
    [
      '    certificates: b.pem\n',
      'config/postern.yaml:4: listeners[0].certificates: is not a list; write its items as lines that begin with "- "',
    ],
    [
      '    client_certificates: { ca: gone.pem }\n',
      'config/postern.yaml:4: listeners[0].client_certificates.ca: there is no file gone.pem; write the path of a PEM file',
    ],
    [
      '    client_certificates: { required: true }\n',
      'config/postern.yaml:4: listeners[0].client_certificates.ca: is missing; it must be given (text)',
    ],
    [
      '    tls: off\n    certificate: a.pem\n    key: a.key\n',
      'config/postern.yaml:4: listeners[0].tls: is off, and certificates are named; take one of them away',
    ],
    [
      '    tls: on\n',
      'config/postern.yaml:4: listeners[0].tls: "on" is not a choice; write one of auto, off, starttls, implicit',
    ],
  ])('%j', (lines, mistake) => {
    expect(mistakesIn(lines)).toEqual([mistake])
  })
})
