import { describe, expect, test } from 'vitest'
import { finding, type Finding } from 'postern/plugin'
import { fakeDns, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { arcResult } from '../arc/findings.ts'
import { dkimResult } from '../dkim/findings.ts'
import { dmarcResult } from '../dmarc/findings.ts'
import { readResults } from '../shared/mailauth/read-results.ts'
import { spfResult } from '../spf/findings.ts'
import { authenticationResults } from './authentication-results.ts'

const dns = fakeDns({
  '192.0.2.1': { reverse: ['other.test', 'client.test'] },
  'client.test': { addresses: ['2001:db8::1', '192.0.2.1'] },
  'other.test': { addresses: ['192.0.2.99'] },
  '192.0.2.2': { reverse: ['other.test'] },
  '192.0.2.4': 'fails',
  '192.0.2.5': { reverse: ['ill.test', 'well.test'] },
  'ill.test': 'fails',
  'well.test': { addresses: ['192.0.2.5'] },
})

async function written(
  findings: readonly Finding[],
  rest: PluginTestOptions = {},
  reversePath = 'alice@client.test',
) {
  const plugin = pluginUnderTest(authenticationResults, { doors: { dns }, findings, ...rest })
  const verdict = await plugin.message('From: a@client.test\r\n\r\n', { reversePath })
  const [edit] = verdict.headerEdits ?? []
  return edit !== undefined && 'value' in edit ? edit.value : undefined
}

const found = [
  finding(spfResult, { result: 'pass', domain: 'client.test', identity: 'mailfrom' }),
  finding(dkimResult, {
    result: 'pass',
    signatures: [
      {
        domain: 'client.test',
        selector: 's1',
        result: 'pass',
        algorithm: 'rsa-sha256',
        signature: 'AbCd1234',
      },
      {
        domain: 'e.test',
        selector: 's2',
        result: 'fail',
        problem: 'body-hash',
        algorithm: 'ed25519-sha256',
      },
    ],
  }),
  finding(arcResult, { result: 'pass', sets: [] }),
  finding(dmarcResult, { result: 'pass', domain: 'client.test', policy: 'reject' }),
]

describe('authentication-results', () => {
  test('writes all that was found into one field by our name', async () => {
    expect(await written(found)).toBe(
      [
        'mx.postern.test',
        'iprev=pass policy.iprev=192.0.2.1',
        'spf=pass smtp.mailfrom=alice@client.test',
        'dkim=pass header.d=client.test header.s=s1 header.a=rsa-sha256 header.b=AbCd1234',
        'dkim=fail reason="body-hash" header.d=e.test header.s=s2 header.a=ed25519-sha256',
        'arc=pass smtp.remote-ip=192.0.2.1',
        'dmarc=pass header.from=client.test policy.dmarc=reject',
      ].join(';\r\n\t'),
    )
  })

  test('names internationalised domains by their A-labels, so that mail needs no SMTPUTF8 for it', async () => {
    const spf = finding(spfResult, { result: 'pass', domain: 'x.test', identity: 'mailfrom' })
    const here = { session: { hostname: 'mx.bücher.test' }, options: { iprev: false } }
    const value = await written([spf], here, 'a@bücher.test')
    expect(value).toBe('mx.xn--bcher-kva.test;\r\n\tspf=pass smtp.mailfrom=a@xn--bcher-kva.test')
  })

  test('says none where nothing was asked', async () => {
    expect(await written([], { options: { iprev: false } })).toBe('mx.postern.test; none')
  })

  test.each([
    ['192.0.2.1', 'pass'],
    ['192.0.2.2', 'fail'],
    ['192.0.2.3', 'permerror'],
    ['192.0.2.4', 'temperror'],
    ['192.0.2.5', 'pass'],
  ])('the name of %s: %s', async (address, result) => {
    const session = { remote: { address, port: 1 } }
    expect(await written([], { session })).toContain(`iprev=${result} policy.iprev=${address}`)
  })

  test('says that somebody has logged in, and who only where it may', async () => {
    const session = { user: 'bob@postern.test' }
    expect(await written([], { session })).toBe('mx.postern.test;\r\n\tauth=pass')
    expect(await written([], { session, options: { reveal_login: true } })).toBe(
      'mx.postern.test;\r\n\tauth=pass smtp.auth=bob@postern.test',
    )
  })

  test('what strangers wrote neither ends nor forges a result', async () => {
    const evil = 'x"; dmarc=pass header.from=bank.test (\r\n\r\nbody'
    const value = await written([
      finding(dmarcResult, { result: 'permerror', domain: evil, problem: evil }),
      finding(dkimResult, {
        result: 'fail',
        signatures: [{ domain: evil, selector: evil, result: 'fail', algorithm: evil }],
      }),
    ])
    const results = readResults(value ?? '').map(({ method, result }) => `${method}=${result}`)
    expect(results).toEqual(['iprev=pass', 'dkim=fail', 'dmarc=permerror'])
  })
})
