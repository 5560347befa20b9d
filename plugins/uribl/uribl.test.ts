import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from 'postern/plugin'
import { fakeDns, pluginUnderTest, type FakeZones } from 'postern/testkit'
import { linkNameOf } from './link-names.ts'
import { linkedHosts } from './links.ts'
import { uribl } from './uribl.ts'

const listed = { addresses: ['127.0.1.2'] }

function from(zones: FakeZones, options: JsonObject = {}, files = {}) {
  const dns = fakeDns(zones)
  const plugin = pluginUnderTest(uribl, {
    options: { lists: ['uri.test'], self_test: false, ...options },
    files,
    doors: { dns },
  })
  return { plugin, dns }
}

const text = (body: string): string => `Subject: x\r\n\r\n${body}\r\n`
const html = (body: string): string => `Content-Type: text/html\r\n\r\n${body}\r\n`

describe('uribl', () => {
  test('refuses a message that links to a domain that a list holds', async () => {
    const { plugin } = from(
      { 'evil.co.uk.uri.test': listed },
      { lists: ['uri.test %NAME% is known'] },
    )
    expect(await plugin.message(text('See http://www.shop.Evil.co.uk/x?y'))).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'evil.co.uk is known',
      reason: 'LINK_LISTED',
      findings: [{ name: 'links-listed', value: { weight: 1, domains: ['evil.co.uk'] } }],
    })
  })

  test('reads text that is encoded, and every reading of a message', async () => {
    const { plugin } = from({ 'evil.example.uri.test': listed })
    const encoded = Buffer.from('go to https://evil.example/').toString('base64')
    const refused = { verdict: 'reject' }
    expect(
      await plugin.message(`Content-Transfer-Encoding: base64\r\n\r\n${encoded}`),
    ).toMatchObject(refused)
    expect(
      await plugin.message(
        'Content-Transfer-Encoding: quoted-printable\r\n\r\nhttp://ev=\r\nil.example',
      ),
    ).toMatchObject(refused)
    const twice =
      'Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--b\r\n\r\nhttp://evil.example/\r\n--b--'
    expect(await plugin.message(twice)).toMatchObject(refused)
  })

  test('asks about text alone, each domain once, and not about those that are allowed', async () => {
    const { plugin, dns } = from({}, {}, { 'tables/uribl-allow': 'good.example\n' })
    const links = 'http://a.example http://www.a.example http://good.example/ http://x.good.example'
    expect(await plugin.message(text(links))).toEqual({ verdict: 'pass' })
    expect(await plugin.message('Content-Type: application/pdf\r\n\r\nhttp://b.example')).toEqual({
      verdict: 'pass',
    })
    expect(dns.questions).toEqual(['ipv4 a.example.uri.test'])
  })

  test('asks about so many domains and no more, from both ends', async () => {
    const { plugin, dns } = from({}, { domains: 4 })
    const links = Array.from({ length: 100 }, (_, number) => `http://d${number}.example/`).join(' ')
    expect(await plugin.message(text(links))).toEqual({ verdict: 'pass' })
    expect(dns.questions.map((each) => each.split(' ')[1]?.split('.')[0])).toEqual([
      'd0',
      'd1',
      'd98',
      'd99',
    ])
  })

  test('reads so much text and no more', async () => {
    const { plugin, dns } = from({}, { bytes: 1000 })
    await plugin.message(text(`${'x'.repeat(1000)} http://late.example/`))
    expect(dns.questions).toEqual([])
  })

  test('asks about addresses turned round', async () => {
    const { plugin } = from({ '1.2.0.192.uri.test': listed })
    expect(await plugin.message(text('http://192.0.2.1/'))).toMatchObject({ verdict: 'reject' })
    expect(await plugin.message(text('http://3221225985/'))).toMatchObject({ verdict: 'reject' })
  })

  test('below the threshold only scores, and otherwise does as it is told', async () => {
    const zones: FakeZones = { 'evil.example.uri.test': listed }
    const message = text('http://evil.example/')
    expect(await from(zones, { threshold: 2, score: 1.5 }).plugin.message(message)).toMatchObject({
      verdict: 'pass',
      score: 1.5,
    })
    expect(await from(zones, { outcome: 'quarantine' }).plugin.message(message)).toMatchObject({
      verdict: 'quarantine',
    })
    expect(await from(zones, { outcome: 4 }).plugin.message(message)).toMatchObject({
      verdict: 'pass',
      score: 4,
    })
  })

  test('is a fault where a list fails', async () => {
    const { plugin } = from({ 'a.example.uri.test': 'fails' })
    await expect(plugin.message(text('http://a.example/'))).rejects.toThrow(
      'no answer from uri.test',
    )
  })
})

describe('a list of links that fails', () => {
  const message = text('http://a.example/ http://evil.example/')

  test('does not save a message that another link condemns', async () => {
    const zones: FakeZones = { 'a.example.uri.test': 'fails', 'evil.example.uri.test': listed }
    expect(await from(zones).plugin.message(message)).toMatchObject({
      verdict: 'reject',
      findings: [{ value: { weight: 1, domains: ['evil.example'] } }],
    })
  })

  test('is a fault where it might have excused the link', async () => {
    const zones: FakeZones = { 'evil.example.uri.test': listed, 'evil.example.good.test': 'fails' }
    const { plugin } = from(zones, { lists: ['uri.test', 'good.test*-2'] })
    await expect(plugin.message(message)).rejects.toThrow('no answer from good.test')
  })

  test('is named where it could not tip the scales', async () => {
    const zones: FakeZones = { 'evil.example.uri.test': listed, 'a.example.ill.test': 'fails' }
    const lists = ['uri.test', 'ill.test']
    expect(await from(zones, { lists, threshold: 3 }).plugin.message(message)).toMatchObject({
      verdict: 'pass',
      reason: 'LINK_LISTED',
      evidence: { domain: 'evil.example', 'ill.test': 'no answer', 'uri.test': { weight: 1 } },
    })
  })
})

describe('the hosts that are linked to', () => {
  test.each<[string, boolean, readonly string[]]>([
    ['see http://A.example/x, and www.b.example.', false, ['a.example', 'www.b.example']],
    [
      '(https://a.example:8080), http://b.example, http://c.example;',
      false,
      ['a.example', 'b.example', 'c.example'],
    ],
    ['http://good.example,@evil.example/', false, ['good.example', 'evil.example']],
    ['HTTP:\\\\a.example\\x', false, ['a.example']],
    ['http://good.example@evil.example/', false, ['evil.example']],
    ['http://%65vil.example/', false, ['evil.example']],
    ['http://例え.example/', false, ['xn--r8jz45g.example']],
    ['http://a.example/?u=http%3A%2F%2Fb.example%2Fx&c=d', false, ['a.example', 'b.example']],
    ['http://a.example/?u=https%253a%252f%252fb.example', false, ['a.example', 'b.example']],
    ['http://a.example/?u=http:%2f%2fx%40b%2eexample', false, ['a.example', 'b.example']],
    ['http://a.example/?u=https%3A//b.example/x', false, ['a.example', 'b.example']],
    ['<a href="http://a.example/?u=http&#58;//b.example">', true, ['a.example', 'b.example']],
    ['\u201chttp://a.example\u201d says', false, ['a.example', 'a.xn--example-b46c']],
    ['<button formaction="//a.example">', true, ['a.example']],
    ['mailto:x@y.example javascript:alert(1)', false, []],
    ['no.links.example here', false, []],
    ['http://[2001:db8::1]/', false, ['2001:db8::1']],
    ['http://', false, []],
    ['<a href="http://a.example/">www.b.example</a>', true, ['a.example', 'www.b.example']],
    ["<a href = 'ht\r\ntp://a.ex\r\nample/'>", true, ['a.example']],
    ['<a href=//a.example/x>', true, ['a.example']],
    ['<a href="http&#58;//a&#x2e;b&period;example">', true, ['a.b.example']],
    ['<img src=http://a.example/x.png>', true, ['a.example']],
    ['<a href="http://open.example/', true, ['open.example']],
  ])('in %j', (body, isHtml, hosts) => {
    expect(new Set(linkedHosts(body, isHtml))).toEqual(new Set(hosts))
  })

  test.each([
    ['www.a.example.co.uk', 'example.co.uk'],
    ['me.blogspot.com', 'me.blogspot.com'],
    ['192.0.2.1', '1.2.0.192'],
    ['localhost', undefined],
    ['co.uk', undefined],
    ['2001:db8::1', undefined],
  ])('%s is asked about as %s', (host, name) => {
    expect(linkNameOf(host)?.name).toBe(name)
  })

  test('of any text are bounded, and each a host', () => {
    const pieces = fc.constantFrom(
      'http://',
      'www.',
      'href=',
      '"',
      "'",
      '&#46;',
      '&',
      '<',
      'a',
      '.',
      'example',
      ' ',
      '\n',
      '%',
      '@',
      '[',
      'é',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), fc.boolean(), (all, isHtml) => {
        for (const host of linkedHosts(all.join(''), isHtml)) expect(host).toMatch(/^[^\s/?#@]+$/)
      }),
      { numRuns: 1000 },
    )
  })

  test('are looked for in HTML that is nothing but links, and not for ever', async () => {
    const { plugin, dns } = from({}, { bytes: '1MB' })
    await plugin.message(html('<a href="http:'.repeat(70_000)))
    expect(dns.questions).toEqual([])
  })
})
