import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asciiDomain, isAddressLiteral, isDomain, literalAddress } from './domain.ts'

describe('a domain name', () => {
  test.each([
    'example.org',
    'localhost',
    'a.b',
    '1.example',
    'x--y.example',
    'under_score.example',
    '_dmarc.example',
    'EXAMPLE.org',
    'd'.repeat(63),
  ])('%s is one', (text) => {
    expect(isDomain(text)).toBe(true)
  })

  test.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a.b',
    'a-.b',
    'a b',
    'a@b',
    '[192.0.2.1]',
    'blåbær.example',
    'd'.repeat(64),
    'a.'.repeat(128) + 'a',
    'a\n',
  ])('%j is none', (text) => {
    expect(isDomain(text)).toBe(false)
  })

  test('may hold U-labels under SMTPUTF8', () => {
    expect(isDomain('blåbær.example', { smtputf8: true })).toBe(true)
    expect(isDomain('bl\ud800.example', { smtputf8: true })).toBe(false)
    expect(isDomain('a\u3002\u3002b', { smtputf8: true })).toBe(false)
    expect(isDomain('-ø.example', { smtputf8: true })).toBe(false)
  })
})

describe('an address literal', () => {
  test.each([
    ['[192.0.2.1]', '192.0.2.1'],
    ['[0.0.0.0]', '0.0.0.0'],
    ['[IPv6:2001:db8::1]', '2001:db8::1'],
    ['[ipv6:2001:DB8:0:0:0:0:0:1]', '2001:DB8:0:0:0:0:0:1'],
    ['[IPv6:::]', '::'],
    ['[IPv6:::1]', '::1'],
    ['[IPv6:fe80::]', 'fe80::'],
    ['[IPv6:::ffff:192.0.2.1]', '::ffff:192.0.2.1'],
    ['[IPv6:1:2:3:4:5:6:192.0.2.1]', '1:2:3:4:5:6:192.0.2.1'],
  ])('%s holds %s', (text, address) => {
    expect(literalAddress(text)).toBe(address)
    expect(isAddressLiteral(text)).toBe(true)
  })

  test.each([
    '192.0.2.1',
    '[]',
    '[',
    '[192.0.2]',
    '[192.0.2.1.1]',
    '[192.0.2.256]',
    '[192.0.2.01]',
    '[192.0.2.1 ]',
    '[2001:db8::1]',
    '[IPv6:]',
    '[IPv6::1]',
    '[IPv6:1::]]',
    '[IPv6:1:2:3:4:5:6:7]',
    '[IPv6:1:2:3:4:5:6:7:8:9]',
    '[IPv6:1::2::3]',
    '[IPv6::::]',
    '[IPv6:12345::]',
    '[IPv6:g::]',
    '[IPv6:fe80::1%eth0]',
    '[IPv6:192.0.2.1::]',
    '[IPv6:1:2:3:4:5:6:7:192.0.2.1]',
    '[X:1]',
  ])('%s is none', (text) => {
    expect(literalAddress(text)).toBeUndefined()
    expect(isAddressLiteral(text)).toBe(false)
  })
})

describe('the ASCII form of a domain', () => {
  test.each([
    ['Example.ORG', 'example.org'],
    ['_dmarc.Example.org', '_dmarc.example.org'],
    ['Blåbær.example', 'xn--blbr-roah.example'],
    ['例子.example', 'xn--fsqu00a.example'],
    ['xn--fsqu00a.example', 'xn--fsqu00a.example'],
    ['192.0.2.1', '192.0.2.1'],
  ])('%s is %s', (domain, ascii) => {
    expect(asciiDomain(domain)).toBe(ascii)
  })

  test.each([
    '',
    'a..b',
    'a b',
    '[192.0.2.1]',
    'a/b',
    'ø/b',
    'ø%41',
    'ø@b',
    '１.２',
    'ø\ud800',
    `ø${'a'.repeat(300)}`,
  ])('%j has none', (domain) => {
    expect(asciiDomain(domain)).toBe('')
  })

  test('is a domain name, and its own ASCII form, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.domain()), (text) => {
        const ascii = asciiDomain(text)
        expect(ascii === '' || (isDomain(ascii) && asciiDomain(ascii) === ascii)).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})
