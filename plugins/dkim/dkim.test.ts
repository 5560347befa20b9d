import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { describe, expect, test } from 'vitest'
import type { Message } from 'postern/plugin'
import { cpuMsOf, fakeDns, memoryMessage, pluginUnderTest, type FakeZones } from 'postern/testkit'
import { relaxedBodyHash } from '../shared/mailauth/body-hash.ts'
import { signHeader } from '../shared/mailauth/sign-header.ts'
import { dkim } from './dkim.ts'
import { dkverify, letterOf } from './dkverify.ts'
import { dkimFinding } from './evaluate.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const short = generateKeyPairSync('rsa', { modulusLength: 768 })
const ed25519 = generateKeyPairSync('ed25519')
const record = (key: KeyObject): string =>
  key.asymmetricKeyType === 'rsa'
    ? `v=DKIM1; k=rsa; p=${key.export({ type: 'spki', format: 'der' }).toString('base64')}`
    : `v=DKIM1; k=ed25519; p=${key.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')}`

const zones: FakeZones = {
  'r._domainkey.client.test': { txt: [record(rsa.publicKey)] },
  'e._domainkey.client.test': { txt: [record(ed25519.publicKey)] },
  'short._domainkey.client.test': { txt: [record(short.publicKey)] },
  'gone._domainkey.client.test': { txt: ['v=DKIM1; k=rsa; p='] },
  'ill._domainkey.client.test': 'fails',
}

const plain =
  'From: Alice <alice@client.test>\r\nTo: bob@postern.test\r\nSubject: folded\r\n  subject\r\n\r\n' +
  'Hello  there \r\n\r\n\r\n'

async function signed(
  { selector = 'r', key = rsa.privateKey }: { selector?: string; key?: KeyObject } = {},
  text = plain,
): Promise<string> {
  const message = memoryMessage(text)
  const value = await signHeader(
    { domain: 'client.test', selector, key },
    {
      header: message.bytes.subarray(0, message.bodyOffset),
      bodyHash: await relaxedBodyHash(message, new AbortController().signal),
      fields: ['From', 'To', 'Subject', 'Cc', 'ARC-Seal'],
      sealed: ['From'],
      signedAt: 1_700_000_000,
    },
  )
  return `DKIM-Signature: ${value}\r\n${text}`
}

const verifier = (options = {}, environment = {}) =>
  pluginUnderTest(dkim, { options, environment, doors: { dns: fakeDns(zones) } })
const finding = async (text: string | Message, options = {}) =>
  (await verifier(options).message(text)).findings?.[0]?.value

describe('dkim', () => {
  test.each([
    ['RSA', 'rsa-sha256', {}],
    ['Ed25519', 'ed25519-sha256', { selector: 'e', key: ed25519.privateKey }],
  ])('finds that a signature by %s holds', async (_, algorithm, key) => {
    expect(await finding(await signed(key))).toMatchObject({
      result: 'pass',
      signatures: [{ domain: 'client.test', result: 'pass', algorithm, identity: '@client.test' }],
    })
  })

  test('what a signature covers counts, fields of ARC too', async () => {
    const text = await signed({}, `ARC-Seal: i=1; cv=none; b=AAAA\r\n${plain}`)
    expect(await finding(text)).toMatchObject({ result: 'pass' })
    expect(await finding(text.replace('AAAA', 'BBBB'))).toMatchObject({ problem: 'signature' })
    expect(await finding(text.replace(/^ARC-.*\r\n/m, ''))).toMatchObject({ problem: 'signature' })
  })

  test('says why a signature does not hold', async () => {
    const text = await signed()
    const because = async (changed: string) => {
      const found = await finding(changed)
      return [found]
    }
    expect(await because(text.replace('Hello', 'Hallo'))).toMatchObject([
      { result: 'fail', problem: 'body-hash' },
    ])
    expect(await because(text.replace('folded', 'other'))).toMatchObject([
      { result: 'fail', problem: 'signature' },
    ])
    expect(await because(text.replace('To:', 'From: eve@client.test\r\nTo:'))).toMatchObject([
      { result: 'fail', problem: 'signature' },
    ])
    expect(await because(text.replace('v=1', 'v=2'))).toMatchObject([
      { result: 'neutral', problem: 'syntax' },
    ])
    expect(await because(await signed({ selector: 'none' }))).toMatchObject([
      { result: 'neutral', problem: 'no-key' },
    ])
    expect(await because(await signed({ selector: 'gone' }))).toMatchObject([
      { result: 'neutral', problem: 'revoked-key' },
    ])
    expect(await because(await signed({ selector: 'ill' }))).toMatchObject([
      { result: 'temperror', problem: 'dns' },
    ])
    expect(await because(await signed({ selector: 'short', key: short.privateKey }))).toMatchObject(
      [{ result: 'policy', problem: 'weak-key' }],
    )
    expect(await because(plain)).toEqual([{ result: 'none', signatures: [] }])
  })

  test.each([
    ['is cut in two', (text: string) => text.replace('folded\r\n  subject', 'folded \r\nsubject')],
    ['is cut by a bare line feed', (text: string) => text.replace('folded\r\n  ', 'folded \n')],
    ['is followed by >From', (text: string) => text.replace('Subject:', '>From me\r\nSubject:')],
    ['is the last', (text: string) => text.replace('\r\n\r\n', '\r\nno field\r\n\r\n')],
    ['is the signature', (text: string) => text.replace('From: A', 'no field\r\nFrom: A')],
  ])(
    'a signed field with a line beneath it that is no field never passes: it %s',
    async (_, change) => {
      const text = change(await signed())
      expect(await finding(text)).not.toMatchObject({ result: 'pass' })
    },
  )

  test('a line that is no field does not matter where nothing above it is signed', async () => {
    const text = await signed()
    const above = '>From me Mon Jan  5 10:00:00 2026\r\n'
    expect(await finding(`X-Free: a\r\n${above}${text}`)).toMatchObject({ result: 'pass' })
    expect(await finding(`${above}${text}`)).toMatchObject({ result: 'pass' })
  })

  test('one signature that holds is enough, wherever it stands', async () => {
    const good = await signed()
    const bad = /DKIM-Signature:.*?b=/s.exec(good)?.[0] ?? ''
    expect(await finding(`${bad}AAAA\r\n${good}`)).toMatchObject({
      result: 'pass',
      signatures: [{ result: 'fail' }, { result: 'pass' }],
    })
  })

  test('notes how much of the body is not signed (l=)', async () => {
    const key = {
      signingDomain: 'client.test',
      selector: 'r',
      privateKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      maxBodyLength: 5,
    }
    const { signatures } = await dkimSign(plain, { ...key, signatureData: [key] })
    expect(await finding(signatures + plain)).toMatchObject({
      result: 'pass',
      signatures: [{ bodyLimit: { signedBytes: 5, unsignedBytes: 8 } }],
    })
  })

  test('does by its options what an operator wants done about a result', async () => {
    const bad = (await signed()).replace('Hello', 'Hallo')
    const asked = (options: object) => verifier(options).message(bad)
    expect(await asked({})).toMatchObject({ verdict: 'pass', reason: 'DKIM_FAIL' })
    expect(await asked({ fail: 'reject' })).toMatchObject({ verdict: 'reject', status: '5.7.20' })
    expect(await asked({ fail: 'quarantine' })).toMatchObject({ verdict: 'quarantine' })
    expect(await asked({ fail: 'tag' })).toMatchObject({
      verdict: 'pass',
      headerEdits: [
        { edit: 'remove', name: 'X-Postern-DKIM' },
        { edit: 'prepend', name: 'X-Postern-DKIM', value: 'fail' },
      ],
    })
    expect(await verifier({ none: 'reject' }).message(plain)).toMatchObject({
      text: 'This message is not signed by DKIM',
    })
    const ill = await signed({ selector: 'ill' })
    expect(await verifier({ temperror: 'defer' }).message(ill)).toMatchObject({ status: '4.7.5' })
  })

  test('refuses what DKVERIFY names: for good by a capital letter, for now by a small one', async () => {
    const bad = (await signed()).replace('Hello', 'Hallo')
    const by = (DKVERIFY: string) => verifier({}, { DKVERIFY }).message(bad)
    expect(await by('DEGIJKfh')).toMatchObject({ verdict: 'pass' })
    expect(await by('BDEGIJKfh')).toMatchObject({ verdict: 'reject' })
    expect(await by('b')).toMatchObject({ verdict: 'defer', text: 'No DKIM signature holds' })
    const ill = await signed({ selector: 'ill' })
    expect(await verifier({}, { DKVERIFY: 'DEGIJKfh' }).message(ill)).toMatchObject({
      verdict: 'defer',
      text: 'A DKIM key cannot be looked up now',
    })
  })
})

describe('what is too much is not verified, and not taken for valid', () => {
  const aFew = (count: number, text: string): string => text.repeat(count)

  test.each([
    ['eleven signatures', async () => aFew(10, 'DKIM-Signature: v=1\r\n') + (await signed())],
    ['a field folded too often', async () => `X: a${aFew(2_000, '\r\n b')}\r\n${await signed()}`],
    ['a line of carriage returns', async () => `X: a${aFew(60_000, '\r')}b\r\n${await signed()}`],
    ['too many fields', async () => aFew(3_000, 'X: a\r\n') + (await signed())],
    [
      'a header that is too long',
      async () => aFew(300, `X: ${'a'.repeat(900)}\r\n`) + (await signed()),
    ],
    ['a very long From', async () => signed({}, `From: ${'<a@b>,'.repeat(5_000)}\r\n\r\nx\r\n`)],
    [
      'a long list of signed fields',
      async () => `DKIM-Signature: v=1; h=${aFew(600, 'a:')}\r\n${plain}`,
    ],
    [
      'a line without end, where a signature takes the body as it is',
      async () =>
        `${(await signed()).replace('relaxed/relaxed', 'relaxed/simple')}${'y'.repeat(300_000)}\r\n`,
    ],
  ])('%s', async (_, make) => {
    const text = await make()
    const cpuMs = await cpuMsOf(async () => {
      expect(await finding(text)).toMatchObject({ result: 'policy', problem: 'limit' })
    })
    expect(cpuMs).toBeLessThan(2_000)
  })

  test('a line without end is verified where the body is hashed as nearly always', async () => {
    const text = await signed({}, `${plain}${'y z  '.repeat(60_000)}\r\n`)
    expect(await finding(text)).toMatchObject({ result: 'pass' })
    expect(await finding(`${text}y`)).toMatchObject({ problem: 'body-hash' })
  })

  test('asks the DNS no more than two questions for each signature that may be there', async () => {
    const dns = fakeDns(zones)
    const text = aFew(10, 'x')
      .split('')
      .map((_, n) => `DKIM-Signature: v=1; a=rsa-sha256; d=d${n}.test; s=s; h=from; bh=x; b=x\r\n`)
      .join('')
    await pluginUnderTest(dkim, { doors: { dns } }).message(text + plain)
    expect(dns.questions.length).toBeLessThanOrEqual(22)
  })

  test('no header of any kind makes it throw', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            name: fc.constantFrom('DKIM-Signature', 'From', 'ARC-Seal', 'Content-Type', 'X'),
            value: fc.array(
              fc.constantFrom(
                'v=1',
                'a=rsa-sha256',
                'd=',
                'b=',
                ';',
                ' ',
                '\r\n ',
                'h=from',
                '"',
                '(',
                '<',
                '@',
                '\0',
                'é',
                'l=0',
                't=',
                'x=-1',
              ),
            ),
          }),
          { maxLength: 6 },
        ),
        async (fields) => {
          const text = fields.map(({ name, value }) => `${name}: ${value.join('')}\r\n`).join('')
          await verifier().message(`${text}\r\nbody\r\n`)
        },
      ),
      { numRuns: 200 },
    ))
})

test('every result has a letter, and only good ones have A', () => {
  expect(letterOf({ result: 'pass', signatures: [] })).toBe('A')
  expect(letterOf({ result: 'none', signatures: [] })).toBe('C')
  expect(dkverify('C', { result: 'none', signatures: [] })).toBe('reject')
  expect(letterOf(dkimFinding([]))).toBe('G')
})
