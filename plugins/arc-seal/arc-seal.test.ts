import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { finding, relayClient, type SignatureField } from 'postern/plugin'
import { fakeDns, memoryMessage, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { arcResult } from '../arc/findings.ts'
import { dnsResolver, textResolver } from '../shared/mailauth/dns-resolver.ts'
import { loadSealing } from '../shared/mailauth/seal-message.ts'
import { SignatureVerifier, usualRules } from '../shared/mailauth/verify-signatures.ts'
import { arcSeal } from './arc-seal.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const p = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
const dns = fakeDns({
  'default._domainkey.postern.test': { txt: [`v=DKIM1; k=ed25519; p=${p}`] },
})
const files = {
  'dkim/postern.test/default': String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
}
const results =
  'mx.postern.test;\r\n\tspf=pass smtp.mailfrom=a@client.test;\r\n\tdmarc=pass header.from=client.test'
const plain = `Authentication-Results: ${results}\r\nFrom: a@client.test\r\nTo: bob@postern.test\r\nSubject: x\r\n\r\nHello.\r\n`

const chain = (result: 'none' | 'pass' | 'fail') => finding(arcResult, { result, sets: [] })
const sealing = (rest: PluginTestOptions = {}) =>
  pluginUnderTest(arcSeal, {
    files,
    options: { domain: 'Postern.test' },
    findings: [chain('none')],
    ...rest,
  })

const above = (fields: readonly SignatureField[], message: string): string =>
  fields.reduce((text, { name, value }) => `${name}: ${value}\r\n${text}`, message)

/** What mailauth says of the chain. */
async function verified(text: string): Promise<string> {
  const { signal } = new AbortController()
  const parts = { dns, signal, now: 0, mostQuestions: 20 }
  const asked = { ...parts, rules: usualRules }
  const found = await new SignatureVerifier().verify(memoryMessage(text), 'ARC', asked)
  if ('unfit' in found) return 'unfit'
  const { arc } = await loadSealing()
  const resolver = textResolver(dnsResolver({ ...parts, address: '' }))
  const { status } = await arc({ ...found.arc, chain: found.arc.chain || [] }, { resolver })
  return status.result
}

describe('arc-seal', () => {
  test('tells postern check where there is no key for its domain', async () => {
    expect(await sealing().check()).toEqual([])
    expect(await sealing({ files: {} }).check()).toMatchObject([
      { option: 'domain', remedy: 'make one: postern dkim new postern.test' },
    ])
  })

  test('seals what strangers sent, with what we found, and the seal holds', async () => {
    const fields = await sealing().sign(plain)
    expect(fields.map(({ name }) => name)).toEqual([
      'ARC-Authentication-Results',
      'ARC-Message-Signature',
      'ARC-Seal',
    ])
    expect(fields[0]?.value).toContain('i=1; mx.postern.test;')
    expect(fields[0]?.value).toContain('dmarc=pass header.from=client.test')
    expect(fields[2]?.value).toMatch(/cv=none; d=postern\.test;/)
    const sealed = above(fields, plain)
    expect(await verified(sealed)).toBe('pass')
    expect(await verified(sealed.replace('Hello', 'Hallo'))).toBe('fail')
  })

  test('goes on with a chain that holds', async () => {
    const once = above(await sealing().sign(plain), plain)
    const fields = await sealing({ findings: [chain('pass')] }).sign(once)
    expect(fields[2]?.value).toMatch(/^i=2;.*cv=pass/s)
    expect(await verified(above(fields, once))).toBe('pass')
  })

  test('leaves alone what is broken, what our own people send, and what it has no key for', async () => {
    expect(await sealing({ findings: [chain('fail')] }).sign(plain)).toEqual([])
    expect(await sealing({ session: { user: 'bob' } }).sign(plain)).toEqual([])
    const relay = [chain('none'), finding(relayClient, { because: 'test' })]
    expect(await sealing({ findings: relay }).sign(plain)).toEqual([])
    expect(await sealing({ files: {} }).sign(plain)).toEqual([])
  })

  test('says none where nothing was found, and does not repeat what others say', async () => {
    const [field] = await sealing().sign(plain.replace('mx.postern.test', 'other.test'))
    expect(field?.value).toBe('i=1; mx.postern.test; none')
  })
})
