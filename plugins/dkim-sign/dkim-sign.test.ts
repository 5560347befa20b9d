import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { finding, relayClient, type SignatureField } from 'postern/plugin'
import { fakeDns, memoryMessage, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { SignatureVerifier, usualRules } from '../shared/mailauth/verify-signatures.ts'
import { dkimSign } from './dkim-sign.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed25519 = generateKeyPairSync('ed25519')
const pem = ({ privateKey }: { privateKey: KeyObject }): string =>
  String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
const rsaRecord = `v=DKIM1; p=${rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`
const ed25519Record = `v=DKIM1; k=ed25519; p=${ed25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')}`
const dns = fakeDns({
  'default._domainkey.postern.test': { txt: [rsaRecord] },
  'ed25519._domainkey.postern.test': { txt: [ed25519Record] },
  'new._domainkey.postern.test': { txt: [rsaRecord] },
})

const plain =
  'From: Bob <bob@Postern.test>\r\nTo: ann@elsewhere.test\r\nSubject: x\r\n\r\nHello.\r\n'
const login = { session: { user: 'bob' } }
const files = {
  'dkim/postern.test/default': pem(rsa),
  'dkim/postern.test/ed25519': pem(ed25519),
}

const signing = (rest: PluginTestOptions = {}) =>
  pluginUnderTest(dkimSign, { ...login, files, ...rest })

function above(fields: readonly SignatureField[], message = plain): string {
  return fields.map(({ name, value }) => `${name}: ${value}\r\n`).join('') + message
}

/** The signatures as mailauth finds them: `selector algorithm result`. */
async function verified(message: string): Promise<readonly string[]> {
  const { signal } = new AbortController()
  const parts = { rules: usualRules, dns, signal, now: 0, mostQuestions: 20 }
  const found = await new SignatureVerifier().verify(memoryMessage(message), 'DKIM', parts)
  if ('unfit' in found) return [found.unfit]
  return found.results.map(({ selector, algo, status }) => `${selector} ${algo} ${status.result}`)
}

describe('dkim-sign', () => {
  test('signs by each key of the domain in From, and both hold', async () => {
    const fields = await signing().sign(plain)
    expect(fields.map(({ name }) => name)).toEqual(['DKIM-Signature', 'DKIM-Signature'])
    expect(await verified(above(fields))).toEqual([
      'default rsa-sha256 pass',
      'ed25519 ed25519-sha256 pass',
    ])
    expect(fields[0]?.value).toContain('d=postern.test;')
  })

  test('no field that is sealed can be added', async () => {
    const message = above(await signing().sign(plain))
    for (const field of ['From: eve@evil.test', 'Subject: y', 'Content-Type: text/html']) {
      expect(await verified(`${field}\r\n${message}`)).toEqual([
        'default rsa-sha256 fail',
        'ed25519 ed25519-sha256 fail',
      ])
    }
    expect(await verified(`X-Other: y\r\n${message}`)).toContain('default rsa-sha256 pass')
  })

  test('signs nothing for strangers, whatever they write', async () => {
    expect(await pluginUnderTest(dkimSign, { files }).sign(plain)).toEqual([])
    const relays = { files, findings: [finding(relayClient, { because: 'test' })] }
    expect(await pluginUnderTest(dkimSign, relays).sign(plain)).toHaveLength(2)
  })

  test('without a key file there is no signature', async () => {
    expect(await signing({ files: {} }).sign(plain)).toEqual([])
    expect(await signing().sign(plain.replace('Postern.test', 'else.test'))).toEqual([])
    expect(await signing().sign(plain.replace('Postern.test', '../postern.test'))).toEqual([])
    expect(await signing().sign(plain.replace('To:', 'From: a@b.test\r\nTo:'))).toEqual([])
    expect(await signing().sign('Subject: nobody\r\n\r\n')).toEqual([])
  })

  test('DKSIGN names the key: % is the domain, the file the selector', async () => {
    const fields = await signing({
      files: { '/etc/domainkeys/postern.test/new': pem(rsa) },
      environment: { DKSIGN: '/etc/domainkeys/%/new' },
    }).sign(plain)
    expect(await verified(above(fields))).toEqual(['new rsa-sha256 pass'])
  })

  test('a key that is replaced signs the next message', async () => {
    const plugin = signing({ files: { 'dkim/postern.test/default': pem(other) } })
    expect(await verified(above(await plugin.sign(plain)))).toEqual(['default rsa-sha256 fail'])
    plugin.files.set('dkim/postern.test/default', pem(rsa))
    expect(await verified(above(await plugin.sign(plain)))).toEqual(['default rsa-sha256 pass'])
    expect(plugin.log.events.map(({ event }) => event)).toContain('dkim.key-replaced')
  })

  test.each([
    ['nonsense', 'holds no private key'],
    [pem(generateKeyPairSync('rsa', { modulusLength: 768 })), 'has 768 bits: nobody'],
    [pem(generateKeyPairSync('ec', { namedCurve: 'P-256' })), 'is neither RSA nor Ed25519'],
  ])(
    'a key that cannot be used is a fault that says so, and nothing of the key',
    async (key, why) => {
      const failing = signing({ files: { 'dkim/postern.test/default': key } }).sign(plain)
      await expect(failing).rejects.toThrow(`dkim/postern.test/default ${why}`)
    },
  )

  test('a signature ends where it is told to', async () => {
    const [field] = await signing({ options: { expires_after: '7d' } }).sign(plain)
    const [, signedAt, expiresAt] = /t=(\d+); x=(\d+);/.exec(field?.value ?? '') ?? []
    expect(Number(expiresAt) - Number(signedAt)).toBe(7 * 86_400)
  })
})
