import { describe, expect, test } from 'vitest'
import { fakeDns, pluginUnderTest, type FakeZones, type PluginTestOptions } from 'postern/testkit'
import { finding } from 'postern/plugin'
import { originClient, trustedHop } from '../trusted-hops/findings.ts'
import { dnsbl } from './dnsbl.ts'

const listedIn = (base: string, code = '127.0.0.2', txt?: string): FakeZones => ({
  [`9.2.0.192.${base}`]: { addresses: [code], ...(txt === undefined ? {} : { txt: [txt] }) },
})

function from(
  zones: FakeZones,
  options: PluginTestOptions['options'],
  rest: PluginTestOptions = {},
) {
  return pluginUnderTest(dnsbl, {
    options: { lists: ['bl.test'], self_test: false, ...options },
    session: { remote: { address: '192.0.2.9', port: 1 } },
    doors: { dns: fakeDns(zones) },
    ...rest,
  })
}

describe('dnsbl', () => {
  test('refuses a client that a list holds, in the words of the list', async () => {
    const plugin = from(listedIn('bl.test', '127.0.0.2', 'See http://bl.test/?9\u0007'), {})
    expect(await plugin.connect()).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'See http://bl.test/?9?',
      reason: 'DNS_LISTED',
      evidence: { 'bl.test': { codes: ['127.0.0.2'], weight: 1 } },
      findings: [{ name: 'dns-listed', value: { weight: 1, lists: ['bl.test'] } }],
    })
  })

  test('says the operator’s words where there are some, with the address for %IP%', async () => {
    const plugin = from(listedIn('bl.test'), { lists: ['bl.test http://x/?%IP% no %I 50%'] })
    expect(await plugin.connect()).toMatchObject({ text: 'http://x/?192.0.2.9 no %I 50%' })
  })

  test('says who lists the client where nobody has words', async () => {
    const plugin = from(listedIn('bl.test'), {})
    expect(await plugin.connect()).toMatchObject({ text: '192.0.2.9 is listed by bl.test' })
  })

  test('refuses a listed client though the list’s words never come', async () => {
    const zones: FakeZones = { '9.2.0.192.bl.test': { addresses: ['127.0.0.2'], txt: 'hangs' } }
    const plugin = from(zones, {})
    const verdict = plugin.connect()
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    plugin.clock.advance(2000)
    expect(await verdict).toMatchObject({
      verdict: 'reject',
      text: '192.0.2.9 is listed by bl.test',
    })
  })

  test('lets a client in that no list holds', async () => {
    expect(await from({}, {}).connect()).toEqual({ verdict: 'pass' })
  })

  test('adds weights up to the threshold, lists of good clients taking away', async () => {
    const lists = ['a.test*2', 'b.test*2', 'good.test*-3']
    const both = { ...listedIn('a.test'), ...listedIn('b.test') }
    const options = { lists, threshold: 4 }
    expect(await from(listedIn('a.test'), options).connect()).toMatchObject({
      verdict: 'pass',
      reason: 'DNS_LISTED',
    })
    expect(await from(both, options).connect()).toMatchObject({ verdict: 'reject' })
    const known = { ...both, ...listedIn('good.test') }
    expect(await from(known, options).connect()).toMatchObject({ verdict: 'pass' })
  })

  test('scores a client below the threshold, if it is told to', async () => {
    const options = { threshold: 4, lists: ['a.test*2'], score: 1.5 }
    expect(await from(listedIn('a.test'), options).connect()).toMatchObject({
      verdict: 'pass',
      score: 3,
    })
  })

  test('refuses for now where it is told to', async () => {
    const plugin = from(listedIn('bl.test'), { refuse: 'defer' })
    expect(await plugin.connect()).toMatchObject({ verdict: 'defer', status: '4.7.1' })
  })

  test('lets a client in that an allow-list holds, whatever the others say', async () => {
    const zones = { ...listedIn('bl.test'), ...listedIn('good.test') }
    const plugin = from(zones, { allow: ['good.test'] })
    expect(await plugin.connect()).toMatchObject({ verdict: 'pass', reason: 'DNS_ALLOWED' })
  })

  test('is a fault where a list fails that might have tipped the scales', async () => {
    const plugin = from({ '9.2.0.192.bl.test': 'fails' }, {})
    await expect(plugin.connect()).rejects.toThrow('no answer from bl.test')
  })

  test('refuses without the list that fails where the others are enough', async () => {
    const plugin = from(
      { ...listedIn('a.test'), '9.2.0.192.ill.test': 'fails' },
      { lists: ['a.test', 'ill.test'] },
    )
    expect(await plugin.connect()).toMatchObject({ verdict: 'reject' })
  })

  test('is a fault where a list of good clients fails that would have let a listed client in', async () => {
    const zones = { ...listedIn('bl.test'), '9.2.0.192.good.test': 'fails' } as const
    const allowing = from(zones, { allow: ['good.test'] })
    await expect(allowing.connect()).rejects.toThrow('no answer from good.test')
    const weighing = from(zones, { lists: ['bl.test', 'good.test*-1'] })
    await expect(weighing.connect()).rejects.toThrow('no answer from good.test')
  })

  test('goes on without a list that cannot tip the scales, and names it', async () => {
    const zones = { ...listedIn('a.test'), '9.2.0.192.ill.test': 'fails' } as const
    const options = { lists: ['a.test', 'ill.test'], threshold: 3 }
    expect(await from(zones, options).connect()).toMatchObject({
      verdict: 'pass',
      reason: 'DNS_LISTED',
      evidence: { 'a.test': { weight: 1 }, 'ill.test': 'no answer' },
    })
    expect(await from({ '9.2.0.192.ill.test': 'fails' }, options).connect()).toEqual({
      verdict: 'pass',
      reason: 'LISTS_UNHEARD',
      evidence: { 'ill.test': 'no answer' },
    })
    const scoring = from(zones, { ...options, score: 1 })
    await expect(scoring.connect()).rejects.toThrow('no answer from ill.test')
  })

  describe('while a list rests', () => {
    const zones = { '9.2.0.192.ill.test': 'fails' } as const
    const resting = async (options: PluginTestOptions) => {
      const plugin = from(zones, { lists: ['ill.test', 'a.test'] }, options)
      for (let time = 0; time < 2; time++) {
        await expect(plugin.connect()).rejects.toThrow('no answer from ill.test')
      }
      // With the third failure it is put to rest.
      await plugin.connect().catch(() => undefined)
      return plugin
    }

    test.each(['defer', 'reject', 'quarantine'] as const)(
      'its silence is a fault where on_fault is %s, as it was when it was asked',
      async (onFault) => {
        const plugin = await resting({ onFault, doors: { dns: fakeDns(zones) } })
        await expect(plugin.connect()).rejects.toThrow('no answer from ill.test (rests)')
      },
    )

    test('of many that come while it dies none keeps the others from being asked', async () => {
      const dns = fakeDns({ '9.2.0.192.ill.test': 'hangs' })
      const plugin = from(
        {},
        { lists: ['ill.test', 'a.test'] },
        { onFault: 'pass', doors: { dns } },
      )
      const crowd = Promise.allSettled(Array.from({ length: 20 }, () => plugin.connect()))
      await new Promise((resolve) => setImmediate(resolve))
      plugin.clock.advance(3000)
      await crowd
      dns.change(listedIn('a.test'))
      expect(await plugin.connect()).toMatchObject({ verdict: 'reject' })
    })

    test('the others go on without it where on_fault is pass, and it is named', async () => {
      const dns = fakeDns(zones)
      const plugin = await resting({ onFault: 'pass', doors: { dns } })
      expect(await plugin.connect()).toEqual({
        verdict: 'pass',
        reason: 'LISTS_UNHEARD',
        evidence: { 'ill.test': 'rests' },
      })
      dns.change(listedIn('a.test'))
      expect(await plugin.connect()).toMatchObject({
        verdict: 'reject',
        evidence: { 'a.test': { weight: 1 }, 'ill.test': 'rests' },
      })
    })
  })

  test('shows a list that is written twice with what both entries weigh', async () => {
    const lists = ['bl.test=127.0.0.2*2', 'bl.test=127.0.0.[2..3]']
    expect(await from(listedIn('bl.test'), { lists, threshold: 3 }).connect()).toMatchObject({
      verdict: 'reject',
      evidence: { 'bl.test': { codes: ['127.0.0.2'], weight: 3 } },
    })
  })

  test.each(['127.255.255.254', '203.0.113.80'])(
    'never takes %s for a listing: such an answer is a failure of the list',
    async (code) => {
      const plugin = from(listedIn('bl.test', code), {})
      await expect(plugin.connect()).rejects.toThrow('no answer from bl.test')
    },
  )

  test('asks about an IPv6 client by its nibbles', async () => {
    const name = `${'1.0.0.0.'}${'0.0.0.0.'.repeat(5)}8.b.d.0.1.0.0.2.bl.test`
    const plugin = from(
      { [name]: { addresses: ['127.0.0.2'] } },
      {},
      {
        session: { remote: { address: '2001:db8::1', port: 1 } },
        options: { lists: ['bl.test'], self_test: false },
      },
    )
    expect(await plugin.connect()).toMatchObject({ verdict: 'reject' })
  })

  describe('RBLSMTPD', () => {
    const asked = async (value: string) => {
      const dns = fakeDns(listedIn('bl.test'))
      const plugin = from(
        {},
        {},
        {
          options: { lists: ['bl.test'], self_test: false },
          environment: { RBLSMTPD: value },
          doors: { dns },
        },
      )
      const verdict = await plugin.connect()
      expect(dns.questions).toEqual([])
      return verdict
    }

    test('set to nothing lets the client in, and no list is asked', async () => {
      expect(await asked('')).toMatchObject({ verdict: 'pass', reason: 'RBLSMTPD' })
    })

    test('with a hyphen refuses for good, without one for now, the address for %IP%', async () => {
      expect(await asked('-No, %IP%')).toMatchObject({ verdict: 'reject', text: 'No, 192.0.2.9' })
      expect(await asked('Later, %IP%')).toMatchObject({
        verdict: 'defer',
        text: 'Later, 192.0.2.9',
      })
    })

    test('refuses where there is no list, too, and whom it does not name is let in', async () => {
      const options = { lists: [] }
      const named = from({}, {}, { options, environment: { RBLSMTPD: '-No' } })
      expect(await named.connect()).toMatchObject({ verdict: 'reject', text: 'No' })
      expect(await from({}, {}, { options }).connect()).toEqual({ verdict: 'pass' })
    })

    test('with a hyphen alone refuses with words of our own', async () => {
      expect(await asked('-')).toMatchObject({ verdict: 'reject', text: 'Refused by local policy' })
    })
  })
})

describe('mail that a relay of ours brings', () => {
  const hop = [finding(trustedHop, { address: '198.51.100.2' })]
  const listed = [...hop, finding(originClient, { address: '192.0.2.9', hello: 'a.b' })]
  const zones = listedIn('bl.test')
  test('is not judged by the relay’s address', async () => {
    const plugin = from(zones, {}, { findings: hop, doors: { dns: fakeDns(zones) } })
    expect(await plugin.connect()).toEqual({ verdict: 'pass' })
    expect(await plugin.message('Subject: x\r\n\r\n')).toEqual({ verdict: 'pass' })
  })

  test('is judged by the address of its first sender, which is reported and scored', async () => {
    const plugin = from(zones, { score: 3 }, { findings: listed, doors: { dns: fakeDns(zones) } })
    expect(await plugin.message('Subject: x\r\n\r\n')).toMatchObject({
      verdict: 'pass',
      reason: 'DNS_LISTED',
      score: 3,
      findings: [{ name: 'dns-listed' }],
    })
  })

  test('is reported by the lists that answer, where it is not refused anyway', async () => {
    const ill: FakeZones = { ...zones, '9.2.0.192.ill.test': 'fails' }
    const plugin = from(
      ill,
      { lists: ['bl.test', 'ill.test'] },
      { findings: listed, doors: { dns: fakeDns(ill) } },
    )
    expect(await plugin.message('Subject: x\r\n\r\n')).toMatchObject({
      verdict: 'pass',
      reason: 'DNS_LISTED',
      evidence: { 'ill.test': 'no answer' },
    })
  })

  test('is refused only where via_hop says so', async () => {
    const doors = { dns: fakeDns(zones) }
    const plugin = from(zones, { via_hop: 'refuse' }, { findings: listed, doors })
    expect(await plugin.message('Subject: x\r\n\r\n')).toMatchObject({ verdict: 'reject' })
  })
})
