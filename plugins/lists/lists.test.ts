import { describe, expect, test } from 'vitest'
import { finding } from 'postern/plugin'
import { fakeClock, fakeDns, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { dkimResult } from '../dkim/findings.ts'
import { spfResult } from '../spf/findings.ts'
import { lists } from './lists.ts'

const spf = (domain: string, result: 'pass' | 'fail' = 'pass') =>
  finding(spfResult, { result, domain, identity: 'mailfrom' })
const dkim = (domain: string, result: 'pass' | 'fail' = 'pass') =>
  finding(dkimResult, {
    result,
    signatures: [{ domain, selector: 's', result, algorithm: 'rsa-sha256' }],
  })

const path = 'tables/lists'
const withRules = (rules: string, rest: PluginTestOptions = {}) =>
  pluginUnderTest(lists, { files: { [path]: rules.replaceAll('; ', '\n') }, ...rest })
const from = (author: string) => `From: ${author}\r\nSubject: x\r\n\r\nHello\r\n`
const holds = (value: string) => [{ name: 'allowed', value: { holds: value } }]

describe('lists', () => {
  test('say nothing where no rule does, and where there is no file', async () => {
    expect(await pluginUnderTest(lists).rcpt('bob@postern.test')).toEqual({ verdict: 'pass' })
    expect(await withRules('block sender x.test').rcpt('bob@postern.test')).toEqual({
      verdict: 'pass',
    })
  })

  test('refuse at RCPT who is blocked, and say by which rule to the operator alone', async () => {
    const plugin = withRules('# ours; block sender @client.test for bob@postern.test')
    expect(await plugin.rcpt('Bob@Postern.test')).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'You are not welcome here',
      reason: 'BLOCKED',
      evidence: { rule: 'block sender @client.test for bob@postern.test', line: 2 },
    })
    expect(await plugin.rcpt('carol@postern.test')).toEqual({ verdict: 'pass' })
  })

  test('allow a client by its network and its name, at the connection already', async () => {
    const byNetwork = withRules('allow client 192.0.2.0/24')
    expect(await byNetwork.connect()).toMatchObject({ reason: 'ALLOWED', findings: holds('yes') })
    const dns = fakeDns({
      '192.0.2.1': { reverse: ['mx.partner.test'] },
      'mx.partner.test': { addresses: ['192.0.2.1'] },
    })
    const byName = withRules('allow name .partner.test', { doors: { dns } })
    expect(await byName.connect()).toMatchObject({ findings: holds('yes') })
    expect(await byName.rcpt('bob@postern.test')).toMatchObject({ findings: holds('yes') })
  })

  test.each([
    ['block', { verdict: 'reject', reason: 'BLOCKED' }],
    ['allow', { findings: holds('yes') }],
  ])(
    'look the name up that a rule to %s asks for, once, and only a confirmed one counts',
    async (says, said) => {
      const dns = fakeDns({
        '192.0.2.1': { reverse: ['mx.partner.test'] },
        '192.0.2.2': { reverse: ['mx.partner.test'] },
        'mx.partner.test': { addresses: ['192.0.2.1'] },
        '192.0.2.3': { reverse: 'fails' },
      })
      const rcpt = async (address: string) => {
        const session = { remote: { address, port: 25 } }
        const plugin = withRules(`${says} name .partner.test`, { session, doors: { dns } })
        await plugin.connect()
        return plugin.rcpt('bob@postern.test')
      }
      expect(await rcpt('192.0.2.1')).toMatchObject(said)
      expect(dns.questions).toHaveLength(2)
      expect(await rcpt('192.0.2.2')).toEqual({ verdict: 'pass' })
      expect(await rcpt('192.0.2.3')).toEqual({ verdict: 'pass' })
    },
  )

  test('believe no name that the session was told, and that does not lead back to the client', async () => {
    const session = { remoteName: 'mx.partner.test' }
    const dns = fakeDns({
      '192.0.2.1': { reverse: ['mx.partner.test'] },
      'mx.partner.test': { addresses: ['198.51.100.1'] },
    })
    const plugin = withRules('allow name .partner.test', { session, doors: { dns } })
    expect(await plugin.connect()).toEqual({ verdict: 'pass' })
    expect(await plugin.rcpt('bob@postern.test')).toEqual({ verdict: 'pass' })
  })

  test('ask the DNS for no name where no rule does', async () => {
    const dns = fakeDns({})
    await withRules('block client 192.0.2.0/24', { doors: { dns } }).connect()
    expect(dns.questions).toEqual([])
  })

  test('take a client for nameless whose name does not come in time', async () => {
    const clock = fakeClock()
    const session = { remote: { address: '192.0.2.1', port: 25 } }
    const doors = { clock, dns: fakeDns({ '192.0.2.1': { reverse: 'hangs' } }) }
    const asked = withRules('block name .partner.test', { session, doors }).rcpt('bob@postern.test')
    await Promise.resolve()
    clock.advance(5_000)
    expect(await asked).toEqual({ verdict: 'pass' })
  })

  test('allow a sender once SPF vouches for the domain', async () => {
    const rules = 'allow sender @client.test'
    const rcpt = (...findings: NonNullable<PluginTestOptions['findings']>) =>
      withRules(rules, { findings }).rcpt('bob@postern.test')
    expect(await rcpt(spf('client.test'))).toMatchObject({ findings: holds('yes') })
    expect(await rcpt(spf('client.test', 'fail'))).toMatchObject({ findings: holds('no') })
    expect(await rcpt(spf('other.test'))).toMatchObject({ reason: 'UNPROVEN' })
    expect(await rcpt()).toMatchObject({ findings: holds('unproven') })
  })

  test('let an unproven allow at a nearer level not stand against a block, and a proven one win', async () => {
    const rules = 'block client 192.0.2.0/24; allow sender @client.test for postern.test'
    const rcpt = (...findings: NonNullable<PluginTestOptions['findings']>) =>
      withRules(rules, { findings }).rcpt('bob@postern.test')
    expect(await rcpt(spf('client.test'))).toMatchObject({ findings: holds('yes') })
    expect(await rcpt(spf('client.test', 'fail'))).toMatchObject({ verdict: 'reject' })
  })

  test('refuse a message for whom its author is blocked', async () => {
    const plugin = withRules('block from @spam.test for bob@postern.test')
    const recipients = ['bob@postern.test', 'carol@postern.test']
    expect(await plugin.message(from('Eve <e@spam.test>'), { recipients })).toMatchObject({
      verdict: 'per-recipient',
      verdicts: [{ verdict: 'reject', reason: 'BLOCKED' }, { verdict: 'pass' }],
    })
    expect(await plugin.message(from('a@good.test'), { recipients })).toEqual({ verdict: 'pass' })
  })

  test('allow an author whose organisation signed, for those who want it', async () => {
    const rules = 'allow from news@shop.test for bob@postern.test'
    const recipients = ['carol@postern.test', 'bob@postern.test']
    const asked = (signer: string, result?: 'fail') =>
      withRules(rules, { findings: [dkim(signer, result)] }).message(
        from('Shop <news@shop.test>'),
        { recipients },
      )
    const allowed = { holds: 'yes', recipients: ['bob@postern.test'] }
    expect(await asked('mail.shop.test')).toMatchObject({ findings: [{ value: allowed }] })
    expect(await asked('shop.test', 'fail')).toEqual({ verdict: 'pass' })
    expect(await asked('evil.test')).toEqual({ verdict: 'pass' })
  })

  test('see a change of their file at once, and keep what they have where it makes no sense', async () => {
    const plugin = withRules('block sender @client.test')
    plugin.files.set(path, 'block sander @client.test')
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ verdict: 'reject' })
    expect(plugin.log.events).toMatchObject([{ event: 'lists.not-taken', fields: { line: 1 } }])
    plugin.files.set(path, '')
    expect(await plugin.rcpt('bob@postern.test')).toEqual({ verdict: 'pass' })
  })

  test('are a mistake of the configuration where a rule makes no sense at the start', () => {
    expect(() => withRules('allow client 192.0.2.0/33')).toThrow(
      'tables/lists:1: allow client 192.0.2.0/33: write an address or a network',
    )
  })
})
