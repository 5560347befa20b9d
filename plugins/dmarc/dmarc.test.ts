import { describe, expect, test } from 'vitest'
import { finding, relayClient, type Finding } from 'postern/plugin'
import { fakeDns, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { arcResult, type ArcFinding } from '../arc/findings.ts'
import { dkimResult } from '../dkim/findings.ts'
import { spfResult } from '../spf/findings.ts'
import { dmarc } from './dmarc.ts'

const record = (text: string) => ({ txt: [`v=DMARC1; ${text}`] })
const zones = {
  '_dmarc.reject.test': record('p=reject'),
  '_dmarc.quarantine.test': record('p=quarantine'),
  '_dmarc.none.test': record('p=none'),
  '_dmarc.strict.test': record('p=reject; adkim=s; aspf=s'),
  '_dmarc.parts.test': record('p=reject; sp=quarantine; np=none'),
  'there.parts.test': { txt: ['x'] },
  '_dmarc.testing.test': record('p=reject; t=y'),
  '_dmarc.zero.test': record('p=reject; pct=0'),
  '_dmarc.zero.last.test': record('p=reject;pct = 0 ;'),
  '_dmarc.word.test': record('p=reject; pct=all'),
  '_dmarc.percent.test': record('p=reject; pct=0%'),
  '_dmarc.nothing.test': record('p=reject; pct='),
  '_dmarc.half.test': record('p=quarantine; pct=50'),
  '_dmarc.twice.test': { txt: ['v=DMARC1; p=reject', 'v=DMARC1; p=none'] },
  '_dmarc.suffix.test': record('psd=y; p=none'),
  '_dmarc.a.suffix.test': record('p=reject'),
  '_dmarc.ill.test': 'fails',
} as const

const spf = (domain: string, result: 'pass' | 'fail' = 'pass'): Finding =>
  finding(spfResult, { result, domain, identity: 'mailfrom' })
const unsigned = finding(dkimResult, { result: 'none', signatures: [] })
const ill = {
  spf: (domain: string): Finding =>
    finding(spfResult, { result: 'temperror', domain, identity: 'mailfrom' }),
  signature: (domain: string): Finding =>
    finding(dkimResult, {
      result: 'temperror',
      signatures: [{ domain, selector: 's', result: 'temperror', algorithm: 'rsa-sha256' }],
    }),
}
const signedBy = (domain: string, more: object = {}): Finding =>
  finding(dkimResult, {
    result: 'pass',
    signatures: [{ domain, selector: 's', result: 'pass', algorithm: 'rsa-sha256', ...more }],
  })

function asked(from: string, findings: readonly Finding[] = [], rest: PluginTestOptions = {}) {
  const isSaid = findings.some(({ name }) => name === dkimResult.name)
  const known = isSaid ? findings : [...findings, unsigned]
  const doors = { dns: fakeDns(zones) }
  const plugin = pluginUnderTest(dmarc, { doors, findings: known, ...rest })
  return plugin.message(`From: ${from}\r\n\r\nbody\r\n`)
}

describe('the policy of the domain in From', () => {
  test.each([
    ['reject.test', 'reject', 'DMARC_FAIL'],
    ['quarantine.test', 'quarantine', 'DMARC_FAIL'],
    ['none.test', 'pass', 'DMARC_FAIL'],
    ['nobody.test', 'pass', 'DMARC_NONE'],
    ['twice.test', 'pass', 'DMARC_NONE'],
    ['ill.test', 'pass', 'DMARC_TEMPERROR'],
    ['below.reject.test', 'reject', 'DMARC_FAIL'],
    ['there.parts.test', 'quarantine', 'DMARC_FAIL'],
    ['missing.parts.test', 'pass', 'DMARC_FAIL'],
    ['testing.test', 'quarantine', 'DMARC_FAIL'],
    ['zero.test', 'quarantine', 'DMARC_FAIL'],
    ['zero.last.test', 'quarantine', 'DMARC_FAIL'],
    ['word.test', 'reject', 'DMARC_FAIL'],
    ['percent.test', 'reject', 'DMARC_FAIL'],
    ['nothing.test', 'reject', 'DMARC_FAIL'],
    ['a.suffix.test', 'reject', 'DMARC_FAIL'],
    ['b.a.suffix.test', 'reject', 'DMARC_FAIL'],
  ])('mail from %s that nothing proves: %s', async (domain, verdict, reason) => {
    expect(await asked(`a@${domain}`)).toMatchObject({ verdict, reason })
  })

  test('is met by a login of the domain by SPF or DKIM, also of a domain below or above', async () => {
    for (const proof of ['reject.test', 'mail.reject.test']) {
      for (const found of [spf(proof), signedBy(proof)]) {
        expect(await asked('a@reject.test', [found])).toMatchObject({ reason: 'DMARC_PASS' })
      }
    }
    expect(await asked('a@news.reject.test', [signedBy('reject.test')])).toMatchObject({
      findings: [
        { value: { result: 'pass', policyDomain: 'reject.test', aligned: { dkim: true } } },
      ],
    })
  })

  test('is not met by somebody else, nor by proof that failed', async () => {
    const others = [spf('evil.test'), signedBy('evil.test'), spf('reject.test', 'fail')]
    for (const each of others) {
      expect(await asked('a@reject.test', [each])).toMatchObject({ verdict: 'reject' })
    }
    expect(await asked('a@a.suffix.test', [signedBy('b.suffix.test')])).toMatchObject({
      verdict: 'reject',
    })
  })

  test('by strict alignment takes the very domain only', async () => {
    expect(await asked('a@strict.test', [signedBy('x.strict.test')])).toMatchObject({
      verdict: 'reject',
      text: 'Rejected by the DMARC policy of strict.test',
    })
    expect(await asked('a@strict.test', [signedBy('strict.test')])).toMatchObject({
      reason: 'DMARC_PASS',
    })
  })

  test('is applied to its share of messages, where pct says so', async () => {
    const doors = { dns: fakeDns(zones) }
    const plugin = pluginUnderTest(dmarc, { doors, findings: [unsigned] })
    const verdicts = new Set<string>()
    for (let count = 0; count < 50; count++) {
      verdicts.add((await plugin.message('From: a@half.test\r\n\r\n')).verdict)
    }
    expect(verdicts).toEqual(new Set(['quarantine', 'pass']))
    expect(await asked('a@zero.test', [], { options: { pct: false } })).toMatchObject({
      verdict: 'reject',
    })
  })

  test('is not met by a signature that leaves the end of the body open, unless that is told to count', async () => {
    const partly = signedBy('reject.test', { bodyLimit: { signedBytes: 1, unsignedBytes: 9 } })
    expect(await asked('a@reject.test', [partly])).toMatchObject({ verdict: 'reject' })
    const counts = { options: { partly_signed: true } }
    expect(await asked('a@reject.test', [partly], counts)).toMatchObject({ reason: 'DMARC_PASS' })
    const whole = signedBy('reject.test', { bodyLimit: { signedBytes: 9, unsignedBytes: 0 } })
    expect(await asked('a@reject.test', [whole])).toMatchObject({ reason: 'DMARC_PASS' })
  })
})

describe('a proof that cannot be looked up now', () => {
  test.each([
    ['signature', ill.signature('mail.reject.test'), 'dkim'],
    ['SPF policy', ill.spf('reject.test'), 'spf'],
  ])('is no failure for good: %s', async (_, proof, unproven) => {
    expect(await asked('a@reject.test', [proof])).toMatchObject({
      verdict: 'defer',
      status: '4.4.3',
      text: 'What might prove who wrote this message cannot be looked up now',
      reason: 'DMARC_TEMPERROR',
      findings: [{ value: { result: 'temperror', policy: 'reject', unproven } }],
    })
    const elsewhere = await asked('a@quarantine.test', [proof])
    expect(elsewhere).toMatchObject({ verdict: 'quarantine', reason: 'DMARC_FAIL' })
  })

  test('counts for nothing where it would prove nothing, or all is proven', async () => {
    const other = [ill.signature('evil.test'), ill.spf('evil.test')]
    expect(await asked('a@reject.test', other)).toMatchObject({
      verdict: 'reject',
      findings: [{ value: { result: 'fail' } }],
    })
    const proven = [ill.signature('reject.test'), spf('reject.test')]
    expect(await asked('a@reject.test', proven)).toMatchObject({ reason: 'DMARC_PASS' })
  })

  test('is what DKIM would have said, where its entry has said nothing', async () => {
    const doors = { dns: fakeDns(zones) }
    const by = (findings: readonly Finding[]) =>
      pluginUnderTest(dmarc, { doors, findings }).message('From: a@reject.test\r\n\r\n')
    expect(await by([])).toMatchObject({
      verdict: 'defer',
      findings: [{ value: { unproven: 'dkim' } }],
    })
    expect(await by([spf('reject.test')])).toMatchObject({ reason: 'DMARC_PASS' })
  })

  test('is not waited for where failure would come to nothing', async () => {
    expect(await asked('a@none.test', [ill.signature('none.test')])).toMatchObject({
      verdict: 'pass',
      reason: 'DMARC_TEMPERROR',
    })
    const files = { 'tables/dmarc': 'reject.test none\nnone.test reject\n' }
    const mild = await asked('a@reject.test', [ill.signature('reject.test')], { files })
    expect(mild).toMatchObject({ verdict: 'pass' })
    const strict = await asked('a@none.test', [ill.signature('none.test')], { files })
    expect(strict).toMatchObject({ verdict: 'defer' })
  })

  test('comes to what the operator says', async () => {
    const by = (unproven: string) =>
      asked('a@reject.test', [ill.signature('reject.test')], { options: { unproven } })
    expect(await by('none')).toMatchObject({ verdict: 'pass', reason: 'DMARC_TEMPERROR' })
    expect(await by('reject')).toMatchObject({
      verdict: 'reject',
      text: 'Rejected by the DMARC policy of reject.test',
    })
  })

  test('of one author excuses nobody from the stricter policy of another', async () => {
    const proofs = [ill.signature('quarantine.test')]
    expect(await asked('a@quarantine.test, b@reject.test', proofs)).toMatchObject({
      verdict: 'reject',
      findings: [{ value: { domain: 'reject.test' } }],
    })
    expect(await asked('a@none.test, b@quarantine.test', proofs)).toMatchObject({
      verdict: 'defer',
      findings: [{ value: { domain: 'quarantine.test', unproven: 'dkim' } }],
    })
  })
})

describe('who wrote it', () => {
  test('of several authors the one with the strictest policy decides', async () => {
    const from = 'a@none.test, "b" <b@reject.test>, c@nobody.test'
    expect(await asked(from, [spf('none.test')])).toMatchObject({
      verdict: 'reject',
      findings: [{ value: { domain: 'reject.test' } }],
    })
  })

  test('several From fields, none, or one that cannot be read are unclear', async () => {
    const plugin = pluginUnderTest(dmarc, { doors: { dns: fakeDns(zones) } })
    for (const header of [
      'From: a@reject.test\r\nFrom: b@none.test\r\n',
      'Subject: nobody\r\n',
      'From: "a <a@reject.test>\r\n',
    ]) {
      expect(await plugin.message(`${header}\r\n`)).toMatchObject({
        verdict: 'quarantine',
        reason: 'DMARC_PERMERROR',
      })
    }
  })
})

describe('what the operator says', () => {
  test('decides what becomes of each result', async () => {
    const options = {
      policy_reject: 'tag',
      policy_none: 'reject',
      no_policy: 'quarantine',
      temperror: 'defer',
      unclear: 'reject',
    }
    const by = (domain: string) => asked(`a@${domain}`, [], { options })
    expect(await by('reject.test')).toMatchObject({
      verdict: 'pass',
      headerEdits: [
        { edit: 'remove', name: 'X-Postern-DMARC' },
        { edit: 'prepend', value: 'fail reject.test policy=reject' },
      ],
    })
    expect(await by('none.test')).toMatchObject({ verdict: 'reject' })
    expect(await by('nobody.test')).toMatchObject({ verdict: 'quarantine' })
    expect(await by('ill.test')).toMatchObject({ verdict: 'defer', status: '4.4.3' })
    expect(await asked('nobody', [], { options })).toMatchObject({
      text: 'The From field does not say who wrote this message',
    })
  })

  test('about one domain, or all below one, goes before', async () => {
    const files = { 'tables/dmarc': 'reject.test none\n.reject.test tag\nnobody.test nonsense\n' }
    expect(await asked('a@reject.test', [], { files })).toMatchObject({ verdict: 'pass' })
    expect(await asked('a@x.reject.test', [], { files })).toMatchObject({
      headerEdits: [{ edit: 'remove' }, { edit: 'prepend' }],
    })
    expect(await asked('a@nobody.test', [], { files })).toMatchObject({ verdict: 'pass' })
  })

  test('clients that may relay are not asked who they write for', async () => {
    const relays = [finding(relayClient, { because: 'test' })]
    expect(await asked('a@reject.test', relays)).toEqual({ verdict: 'pass' })
  })
})

describe('a chain of custody', () => {
  const set = (sealer: string, dmarcWord: string, author = 'reject.test') => ({
    sealer,
    selector: 's',
    seen: { dmarc: dmarcWord },
    author,
  })
  const chain = (...sets: ReturnType<typeof set>[]): Finding => {
    const numbered = sets.map((each, index) => ({ ...each, instance: index + 1 }))
    const value: ArcFinding = { result: 'pass', sets: numbered }
    return finding(arcResult, value)
  }
  const trusting = { options: { trusted_sealers: ['Lists.test', 'second.test'] } }

  test.each([
    ['whom we trust saw it pass', [set('lists.test', 'pass')], 'lists.test'],
    [
      'trusted, behind another trusted one',
      [set('lists.test', 'pass'), set('second.test', 'fail')],
      'lists.test',
    ],
    ['saw it fail', [set('lists.test', 'fail')], undefined],
    ['saw another author pass', [set('lists.test', 'pass', 'evil.test')], undefined],
    ['is a stranger', [set('evil.test', 'pass')], undefined],
    [
      'is trusted, but a stranger came after it',
      [set('lists.test', 'pass'), set('evil.test', 'pass')],
      undefined,
    ],
  ])('a sealer that %s', async (_, sets, by) => {
    const verdict = await asked('a@reject.test', [chain(...sets)], trusting)
    expect(verdict.verdict).toBe(by === undefined ? 'reject' : 'pass')
    const value = verdict.findings?.[0]?.value
    expect(value).toMatchObject(by === undefined ? { result: 'fail' } : { rescuedBy: by })
  })

  test('that cannot be looked up now is no failure for good, if it is of somebody trusted', async () => {
    const unproven = (sealer: string): Finding => {
      const sets = [{ ...set(sealer, 'pass'), instance: 1 }]
      return finding(arcResult, { result: 'fail', sets: [], unproven: sets })
    }
    expect(await asked('a@reject.test', [unproven('lists.test')], trusting)).toMatchObject({
      verdict: 'defer',
      findings: [{ value: { result: 'temperror', unproven: 'arc' } }],
    })
    expect(await asked('a@reject.test', [unproven('evil.test')], trusting)).toMatchObject({
      verdict: 'reject',
    })
  })
})
