import { describe, expect, test } from 'vitest'
import { finding, relayClient, type HeardAnswer } from 'postern/plugin'
import { fakeDns, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { originClient, trustedHop } from '../trusted-hops/findings.ts'
import { behaviour } from './behaviour.ts'
import { spf } from './spf.ts'

const policy = (text: string) => ({ txt: [text] })
const dns = fakeDns({
  'pass.test': policy('v=spf1 ip4:192.0.2.0/24 -all'),
  'xn--bcher-kva.test': policy('v=spf1 ip4:192.0.2.0/24 -all'),
  'fail.test': policy('v=spf1 -all'),
  'soft.test': policy('v=spf1 ~all'),
  'neutral.test': policy('v=spf1 ?all'),
  'broken.test': policy('v=spf1 nonsense:x -all'),
  'open.test': policy('v=spf1 +all'),
  'near.test': policy('v=spf1 ip4:192.0.2.9 ?all'),
  'redirected.test': policy('v=spf1 redirect=open.test'),
  'including.test': policy('v=spf1 ip4:198.51.100.1 include:redirected.test -all'),
  'undecided.test': policy('v=spf1 ?ip4:192.0.2.9 ALL'),
  'before.test': policy('v=spf1 ip4:192.0.2.9 include:open.test -all'),
  'words.test': policy('v=spf1 -all exp=exp.words.test'),
  'exp.words.test': policy('%{i} may not'),
  'ill.test': 'fails',
  'other.test': policy('v=spf1 ip4:192.0.2.9 -all'),
})

function checked(level: string, rest: PluginTestOptions = {}) {
  return pluginUnderTest(spf, {
    options: { level },
    session: {
      remote: { address: '192.0.2.9', port: 1 },
      hello: { verb: 'EHLO', name: 'fail.test' },
    },
    doors: { dns },
    ...rest,
  })
}

describe('spf', () => {
  test('reports what it found, writes the field, and lets pass what may', async () => {
    const verdict = await checked('3').mail('a@pass.test')
    expect(verdict).toMatchObject({
      verdict: 'pass',
      reason: 'SPF_PASS',
      findings: [
        { name: 'spf', value: { result: 'pass', domain: 'pass.test', identity: 'mailfrom' } },
      ],
      headerEdits: [
        { edit: 'prepend', name: 'Received-SPF', value: expect.stringMatching(/^pass \(/) },
      ],
    })
  })

  test.each(['unix', 'unknown'])(
    'knows nothing of a client whose address is %s',
    async (address) => {
      const session = { remote: { address, port: 0 } }
      const verdict = await checked('3', { session }).mail('a@fail.test')
      expect(verdict).toMatchObject({ verdict: 'pass', reason: 'SPF_NONE' })
      expect(await checked('6', { session }).mail('a@pass.test')).toMatchObject({
        verdict: 'reject',
      })
    },
  )

  test('names an internationalised domain by its A-labels, so that mail needs no SMTPUTF8 for it', async () => {
    const { headerEdits } = await checked('3').mail('a@bücher.test')
    expect(headerEdits).toEqual([
      { edit: 'prepend', name: 'Received-SPF', value: expect.stringMatching(/^pass [\0-\x7f]*$/) },
    ])
  })

  test.each([
    ['a@fail.test', 2, 'pass'],
    ['a@fail.test', 3, 'reject'],
    ['a@soft.test', 3, 'pass'],
    ['a@soft.test', 4, 'reject'],
    ['a@neutral.test', 4, 'pass'],
    ['a@neutral.test', 5, 'reject'],
    ['a@none.test', 5, 'pass'],
    ['a@none.test', 6, 'reject'],
    ['a@broken.test', 5, 'pass'],
    ['a@broken.test', 6, 'reject'],
    ['a@ill.test', 1, 'pass'],
    ['a@ill.test', 2, 'defer'],
    ['a@pass.test', 6, 'pass'],
  ] as const)('%s at level %s: %s', async (sender, level, verdict) => {
    expect(await checked(String(level)).mail(sender)).toMatchObject({ verdict })
  })

  test('checks the name in HELO where the sender is empty', async () => {
    expect(await checked('3').mail('')).toMatchObject({
      verdict: 'reject',
      findings: [{ value: { identity: 'helo', domain: 'fail.test' } }],
    })
  })

  test('remembers for a minute what it found, but not that the DNS failed', async () => {
    const asked = fakeDns({
      'pass.test': policy('v=spf1 ip4:192.0.2.0/24 -all'),
      'ill.test': 'fails',
    })
    const plugin = checked('3', { doors: { dns: asked } })
    const questions = async (sender: string) => {
      const before = asked.questions.length
      await plugin.mail(sender)
      return asked.questions.length - before
    }
    expect([await questions('a@pass.test'), await questions('a@pass.test')]).toEqual([1, 0])
    expect(await questions('b@pass.test')).toBe(1)
    plugin.clock.advance(60_000)
    expect(await questions('a@pass.test')).toBe(1)
    const ill = await questions('a@ill.test')
    expect([ill > 0, await questions('a@ill.test')]).toEqual([true, ill])
  })

  test('tells what it remembers, once it does not ask any more', async () => {
    const told: unknown[] = []
    const remembered = (answers: readonly HeardAnswer[]): void => void told.push(...answers)
    const plugin = checked('3', { doors: { dns: { ...dns, remembered } } })
    const [first, second] = [await plugin.mail('a@words.test'), told.length]
    expect(second).toBe(0)
    expect(await plugin.mail('a@words.test')).toEqual(first)
    expect(told).toMatchObject([
      {
        question: 'txt',
        of: 'words.test',
        answer: { records: ['v=spf1 -all exp=exp.words.test'] },
      },
      { question: 'txt', of: 'exp.words.test', answer: { records: ['%{i} may not'] } },
    ])
  })

  test('defers at MAIL where the DNS fails, and says the domain’s own words where it fails', async () => {
    expect(await checked('3').mail('a@ill.test')).toMatchObject({ status: '4.4.3', at: 'now' })
    expect(await checked('3').mail('a@words.test')).toMatchObject({
      status: '5.7.23',
      text: 'words.test explains: 192.0.2.9 may not',
    })
  })

  test('says the words of control/spfexp where the domain has none', async () => {
    const plugin = checked('3', { files: { 'control/spfexp': 'See our page\n' } })
    expect(await plugin.mail('a@fail.test')).toMatchObject({ text: 'See our page' })
  })

  test.each([
    [
      // What the qmail patch says by default.
      'See http://spf.test/why.html?sender=%{S}&ip=%{I}&receiver=%{xR}',
      'See http://spf.test/why.html?sender=a%2Bb%40soft.test&ip=192.0.2.9&receiver=mx.postern.test',
    ],
    ['%{o} may not send from %{i}: 100%%', 'soft.test may not send from 192.0.2.9: 100%'],
    ['50% of it, %{z}', '50% of it, %{z}'],
  ])('expands the macros in control/spfexp: %s', async (words, text) => {
    const plugin = checked('4', { files: { 'control/spfexp': `${words}\n` } })
    expect(await plugin.mail('a+b@soft.test')).toMatchObject({ verdict: 'reject', text })
  })

  test('is driven by SPFBEHAVIOR, else by control/spfbehavior, else refuses what fails', async () => {
    const usual = { options: {} }
    expect(await checked('', usual).mail('a@fail.test')).toMatchObject({ verdict: 'reject' })
    const off = { options: {}, files: { 'control/spfbehavior': '0\n' } }
    expect(await checked('', off).mail('a@fail.test')).toEqual({ verdict: 'pass' })
    const on = { ...off, environment: { SPFBEHAVIOR: '4' } }
    expect(await checked('', on).mail('a@soft.test')).toMatchObject({ verdict: 'reject' })
  })

  test('guesses a policy for domains without one, and tries our rules before a failure', async () => {
    const guess = checked('3', { files: { 'control/spfguess': 'ip4:198.51.100.1 -all\n' } })
    expect(await guess.mail('a@none.test')).toMatchObject({
      verdict: 'reject',
      evidence: { by: 'guess' },
    })
    const rules = checked('3', { files: { 'control/spfrules': 'include:other.test\n' } })
    expect(await rules.mail('a@fail.test')).toMatchObject({
      verdict: 'pass',
      evidence: { by: 'rules' },
    })
  })

  test('takes a policy that lets everybody send for none, where it is told to', async () => {
    expect(await checked('3').mail('a@open.test')).toMatchObject({ verdict: 'pass' })
    const strict = checked('3', { environment: { SPF_BLOCK_PLUS_ALL: '1' } })
    expect(await strict.mail('a@open.test')).toMatchObject({
      verdict: 'reject',
      text: 'open.test has an improper SPF record',
    })
  })

  test.each(['redirected.test', 'including.test'])(
    'so does one that refers to such a policy: %s',
    async (domain) => {
      expect(await checked('3').mail(`a@${domain}`)).toMatchObject({ verdict: 'pass' })
      const strict = checked('3', { environment: { SPF_BLOCK_PLUS_ALL: '1' } })
      expect(await strict.mail(`a@${domain}`)).toMatchObject({
        verdict: 'reject',
        text: `${domain} has an improper SPF record (that of open.test)`,
        evidence: { opened: 'open.test' },
      })
    },
  )

  test('a policy that lets everybody send fails for those too of whom it says something else', async () => {
    const options = { level: '3', block_plus_all: true }
    const report = (domain: string) => checked('3', { options }).mail(`a@${domain}`)
    expect(await report('undecided.test')).toMatchObject({ reason: 'SPF_FAIL' })
    expect(await report('before.test')).toMatchObject({ reason: 'SPF_PASS' })
    expect(await report('near.test')).toMatchObject({ reason: 'SPF_PASS' })
    expect(await report('words.test')).toMatchObject({
      text: expect.stringMatching(/^words.test explains/),
    })
  })

  test('the field says that such a policy fails, where nothing is refused for it', async () => {
    const options = { level: '1', block_plus_all: true }
    const { headerEdits } = await checked('1', { options }).mail('"x) client-ip=("@open.test')
    expect(headerEdits).toMatchObject([
      {
        value: expect.stringMatching(
          /^fail \(\S+: open\.test has an improper SPF record\) client-ip=192\.0\.2\.9; envelope-from=/,
        ),
      },
    ])
  })

  test('is not asked about logins, clients that may relay, and this host', async () => {
    const login = checked('3', {
      session: { user: 'bob', remote: { address: '192.0.2.9', port: 1 } },
    })
    expect(await login.mail('a@fail.test')).toEqual({ verdict: 'pass' })
    const relay = checked('3', { findings: [finding(relayClient, { because: 'test' })] })
    expect(await relay.mail('a@fail.test')).toEqual({ verdict: 'pass' })
    const home = checked('3', { session: { remote: { address: '127.0.0.1', port: 1 } } })
    expect(await home.mail('a@fail.test')).toEqual({ verdict: 'pass' })
  })
})

test('every result has an outcome at every level, and more levels never accept more', () => {
  const results = ['pass', 'fail', 'softfail', 'neutral', 'none', 'permerror', 'temperror'] as const
  for (const result of results) {
    let refused = false
    for (let level = 1; level <= 6; level++) {
      const now = behaviour(result, level) !== 'accept'
      expect(refused && !now).toBe(false)
      refused ||= now
    }
    expect(refused).toBe(result !== 'pass')
  }
})

describe('mail that a relay of ours brings', () => {
  const hop = [finding(trustedHop, { address: '198.51.100.2' })]
  const origin = (address: string) => [...hop, finding(originClient, { address, hello: 'a.b' })]
  const message = 'Subject: x\r\n\r\n'

  test('is not judged by the relay’s address', async () => {
    const plugin = checked('3', { findings: hop })
    expect(await plugin.mail('a@fail.test')).toEqual({ verdict: 'pass' })
    expect(await plugin.message(message, { reversePath: 'a@fail.test' })).toEqual({
      verdict: 'pass',
    })
  })

  test.each([
    ['192.0.2.9', 'SPF_PASS'],
    ['203.0.113.9', 'SPF_FAIL'],
  ])(
    'is judged by the address of its first sender, %s: %s, and reported',
    async (address, reason) => {
      const plugin = checked('3', { findings: origin(address) })
      expect(await plugin.message(message, { reversePath: 'a@pass.test' })).toMatchObject({
        verdict: 'pass',
        reason,
        findings: [{ name: 'spf' }],
        headerEdits: [{ name: 'Received-SPF' }],
      })
    },
  )

  test('is refused only where via_hop says so', async () => {
    const options = { level: '3', via_hop: 'refuse' }
    const plugin = checked('3', { options, findings: origin('203.0.113.9') })
    expect(await plugin.message(message, { reversePath: 'a@pass.test' })).toMatchObject({
      verdict: 'reject',
      status: '5.7.23',
    })
  })
})

test.each([
  ['1', 'reject'],
  ['yes', 'reject'],
  ['', 'reject'],
  ['0', 'pass'],
])('SPF_BLOCK_PLUS_ALL=%j answers +all with a %s', async (SPF_BLOCK_PLUS_ALL, verdict) => {
  const plugin = checked('3', { environment: { SPF_BLOCK_PLUS_ALL } })
  expect(await plugin.mail('a@open.test')).toMatchObject({ verdict })
})
