import { describe, expect, test } from 'vitest'
import type { Environment } from '../mail/environment.ts'
import { PosternError } from '../mail/errors.ts'
import { chainUnderTest } from '../testkit/chain-under-test.ts'
import { memoryFiles } from '../testkit/memory-files.ts'
import { tlsIdentity } from '../testkit/tls-identity.ts'
import { receiverSettings } from './listener-settings.ts'

const one = tlsIdentity(['one.test'])
const two = tlsIdentity(['two.test'])
const inOneFile = ({ certificate, key }: typeof one): string => `${key}${certificate}`

function rule(variables: Readonly<Record<string, string>>): Environment {
  return { variables: new Map(Object.entries(variables)), source: 'tcp.smtp:1 (192.0.2.1)' }
}

function settled(files = memoryFiles()) {
  const place = { file: 'postern.yaml', path: ['receiver'], lineOf: () => 1 }
  const made = receiverSettings({
    section: { options: undefined, place, defaults: { hostname: 'mx.test' } },
    listeners: [
      { name: 'mx', tls: true },
      { name: 'bare', tls: false },
    ],
    resources: files,
    answerable: [],
  })
  if (!made.ok) throw new Error(JSON.stringify(made.mistakes))
  return (variables: Readonly<Record<string, string>>, listener = 'mx') =>
    made.settingsOf(listener, rule(variables)).settings.tls
}

test('a client is not served where the TLS that its rule chooses cannot be had', async () => {
  const asked: unknown[] = []
  const chain = chainUnderTest({
    entries: [],
    environmentOf: (address) => ({
      environment: rule(address === '192.0.2.1' ? { TLSCIPHERS: 'none' } : {}),
      denied: false,
    }),
    tlsProblem: (listener, choice) => {
      asked.push([listener, choice])
      return 'no cipher is left'
    },
  })
  const session = chain.dial({ listener: 'submission' })
  expect(await session.connect()).toMatch(/^421 4\.3\.0 /)
  session.end('refused')
  expect(chain.log.events[0]).toMatchObject({
    level: 'error',
    event: 'receiver.setting-unusable',
    fields: { problem: 'no cipher is left; by tcp.smtp:1 (192.0.2.1)' },
  })
  const other = chain.dial({
    listener: 'submission',
    remote: { address: '192.0.2.2', port: 40_000 },
  })
  expect(await other.connect()).toBe('220')
  other.end('quit')
  expect(asked).toEqual([['submission', { ciphers: 'none' }]])
})

describe('TLS for a client, by its rule', () => {
  test('is the listener’s where the rule says nothing of it, and where the listener has none', () => {
    const tlsOf = settled()
    expect(tlsOf({ RELAYCLIENT: '' })).toBeUndefined()
    expect(tlsOf({ TLSCIPHERS: '' })).toBeUndefined()
    expect(tlsOf({ TLSCIPHERS: 'HIGH' }, 'bare')).toBeUndefined()
  })

  test('has the ciphers that TLSCIPHERS lists', () => {
    expect(settled()({ TLSCIPHERS: 'DEFAULT:!AES128' })).toEqual({ ciphers: 'DEFAULT:!AES128' })
  })

  test('has the certificate and the key of one file, followed once however many rules name it', () => {
    const tlsOf = settled(memoryFiles({ 'tls/one.pem': inOneFile(one) }))
    const choice = tlsOf({ TLS_SERVER_CERT: 'tls/one.pem' })
    expect(choice?.certificate?.held).toEqual({
      certificate: inOneFile(one),
      key: inOneFile(one),
    })
    const other = tlsOf({ TLS_SERVER_CERT: 'tls/one.pem', TLSCIPHERS: 'HIGH' })
    expect(other?.certificate).toBe(choice?.certificate)
  })

  test('shows a renewed certificate, and the last that was good where the new one is not', () => {
    const files = memoryFiles({ 'one.pem': inOneFile(one) })
    const held = () => certificate?.held
    const certificate = settled(files)({ TLS_SERVER_CERT: 'one.pem' })?.certificate
    files.set('one.pem', inOneFile(two))
    const renewed = { certificate: inOneFile(two), key: inOneFile(two) }
    expect(held()).toEqual(renewed)
    expect(() => files.set('one.pem', one.key)).toThrow('one.pem holds no certificate')
    expect(() => files.set('one.pem', undefined)).toThrow('one.pem is missing')
    expect(held()).toEqual(renewed)
  })

  test('shows the last that was good under the next configuration too, and under no other gateway', () => {
    const gateway = {}
    const held = (content: string, lineage?: object) => {
      const files = memoryFiles({ 'one.pem': content }, lineage)
      return settled(files)({ TLS_SERVER_CERT: 'one.pem' })?.certificate?.held
    }
    const good = held(inOneFile(one), gateway)
    expect(held(one.key, gateway)).toBe(good)
    expect(held('', gateway)).toBe(good)
    expect(held(one.key, {})).toHaveProperty('problem')
    expect(held(one.key)).toHaveProperty('problem')
    expect(held(inOneFile(two), gateway)).toMatchObject({ certificate: inOneFile(two) })
  })

  test.each([
    ['is missing', undefined],
    ['holds no certificate that can be read', one.key],
    ['holds no private key that can be read', one.certificate],
    ['is not the key of the certificate', `${two.key}${one.certificate}`],
  ])('says what is wrong with a file that %s, until there is a good one', (problem, content) => {
    const files = memoryFiles(content === undefined ? {} : { 'one.pem': content })
    const certificate = settled(files)({ TLS_SERVER_CERT: 'one.pem' })?.certificate
    expect(certificate?.held).toEqual({ problem: expect.stringContaining(`one.pem ${problem}; `) })
    files.set('one.pem', inOneFile(one))
    expect(certificate?.held).toHaveProperty('key')
  })

  test('is refused where the file cannot be read, and everybody else is served', () => {
    const files = memoryFiles()
    const unreadable = (path: string) => ({
      ...files.file(path),
      follow: () => {
        throw new PosternError('STORE_FAILED', `${path}: EISDIR`)
      },
    })
    const tlsOf = settled({ ...files, file: unreadable })
    const problem = 'tls cannot be read (tls: EISDIR); it must be a file that the gateway may read'
    expect(tlsOf({ TLS_SERVER_CERT: 'tls' })?.certificate?.held).toEqual({
      problem: expect.stringContaining(problem),
    })
    expect(tlsOf({})).toBeUndefined()
  })
})
