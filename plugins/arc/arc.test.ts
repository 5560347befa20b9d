import { generateKeyPairSync } from 'node:crypto'
import { sealMessage } from 'mailauth/lib/arc/index.js'
import { describe, expect, test } from 'vitest'
import { fakeDns, pluginUnderTest, type FakeZones } from 'postern/testkit'
import { arc } from './arc.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const p = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
const key = { txt: [`v=DKIM1; k=ed25519; p=${p}`] }
const zones = { 's._domainkey.lists.test': key, 's._domainkey.second.test': key }
const plain = 'From: a@reject.test\r\nTo: bob@postern.test\r\nSubject: x\r\n\r\nbody\r\n'

async function sealed(
  message: string,
  signingDomain: string,
  { results, cv }: { results: string; cv: 'none' | 'pass' },
): Promise<string> {
  const seal = {
    signingDomain,
    selector: 's',
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    authResults: results,
    cv,
  }
  return `${(await sealMessage(Buffer.from(message), seal)).toString('latin1')}${message}`
}

const first = () =>
  sealed(plain, 'lists.test', {
    results: 'lists.test; spf=pass smtp.mailfrom=x; dmarc=pass header.from=Reject.test; dmarc=fail',
    cv: 'none',
  })

async function found(message: string, known: FakeZones = zones) {
  const plugin = pluginUnderTest(arc, { doors: { dns: fakeDns(known) } })
  const verdict = await plugin.message(message)
  expect(verdict.verdict).toBe('pass')
  return verdict.findings?.[0]?.value
}

describe('arc', () => {
  test('finds who sealed the message, and what they saw', async () => {
    const twice = await sealed(await first(), 'second.test', {
      results: 'second.test; arc=pass; dmarc=fail',
      cv: 'pass',
    })
    expect(await found(twice)).toEqual({
      result: 'pass',
      sets: [
        {
          instance: 1,
          sealer: 'lists.test',
          selector: 's',
          seen: { spf: 'pass', dmarc: 'pass' },
          author: 'reject.test',
        },
        {
          instance: 2,
          sealer: 'second.test',
          selector: 's',
          seen: { dmarc: 'fail', arc: 'pass' },
        },
      ],
    })
  })

  test('says what a chain would tell whose keys cannot be looked up now, and believes none of it', async () => {
    expect(await found(await first(), { 's._domainkey.lists.test': 'fails' })).toMatchObject({
      result: 'fail',
      problem: 'the DNS did not answer for a key',
      sets: [],
      unproven: [{ sealer: 'lists.test', seen: { dmarc: 'pass' }, author: 'reject.test' }],
    })
    const gone = await found(await first(), {})
    expect(gone).toMatchObject({ result: 'fail', sets: [] })
    expect(gone).not.toHaveProperty('unproven')
  })

  test('does not believe a chain that was touched: body, results or order', async () => {
    const message = await first()
    for (const changed of [
      message.replace('body', 'bode'),
      message.replace('dmarc=pass', 'dmarc=pasz'),
      message.replace('i=1', 'i=2'),
      message.replace('cv=none', 'cv=pass'),
      message.replace(/ARC-Seal:[^]*?\r\n(?=\S)/, ''),
    ]) {
      expect(changed).not.toBe(message)
      expect(await found(changed)).toMatchObject({ result: 'fail', sets: [] })
    }
  })

  test('finds none where there is none, and asks nobody', async () => {
    const dns = fakeDns(zones)
    await pluginUnderTest(arc, { doors: { dns } }).message(plain)
    expect(dns.questions).toEqual([])
    expect(await found(plain)).toEqual({ result: 'none', sets: [] })
  })

  test('takes a chain that is longer than anybody’s for broken', async () => {
    const many = 'ARC-Seal: i=1; cv=none\r\n'.repeat(30)
    expect(await found(many + plain)).toMatchObject({
      result: 'fail',
      problem: 'there are 30 ARC sets',
    })
  })

  test('takes a chain in a header that is longer than it reads for broken, and not for none', async () => {
    const long = `X-Long: ${'a '.repeat(600)}\r\n`
    const plugin = pluginUnderTest(arc, { options: { max_header: '1KB' } })
    const of = async (message: string) => (await plugin.message(message)).findings?.[0]?.value
    const broken = { result: 'fail', problem: 'the header is too long', sets: [] }
    expect(await of(long + (await first()))).toEqual(broken)
    expect(await of(long + plain)).toEqual({ result: 'none', sets: [] })
  })
})
