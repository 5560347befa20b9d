import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CdbError, readAtBytes } from './cdb.ts'
import { openCdb } from './cdb-reader.ts'
import { buildCdb } from './cdb-writer.ts'
import {
  domainKeys,
  moreRcpthosts,
  parseAllRcpthosts,
  parseLocals,
  parseRcpthosts,
  parseVirtualDomains,
} from './control-domains.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const covers = (text: string, domain: string): string | undefined =>
  parseRcpthosts(bytes(text)).value.find(domain)

describe('rcpthosts', () => {
  const file = 'heaven.mil\n.sub.example\nUPPER.example\n# off.example\n lead.example\n'

  test.each([
    ['heaven.mil', 'heaven.mil'],
    ['HEAVEN.Mil', 'heaven.mil'],
    ['x.heaven.mil', undefined],
    ['a.sub.example', '.sub.example'],
    ['a.b.sub.example', '.sub.example'],
    ['sub.example', undefined],
    ['.sub.example', '.sub.example'],
    ['upper.example', 'upper.example'],
    ['off.example', undefined],
    ['lead.example', undefined],
    ['heaven.mil.', undefined],
    ['', undefined],
  ])('covers %j by %j', (domain, entry) => {
    expect(covers(file, domain)).toBe(entry)
  })

  test('that is missing or empty covers nothing', () => {
    expect(parseRcpthosts(undefined).value.find('heaven.mil')).toBeUndefined()
    expect(covers('', 'heaven.mil')).toBeUndefined()
    expect(covers('', '')).toBeUndefined()
  })

  test('prefers the name to the suffix, and the long suffix to the short one', () => {
    expect(covers('.c\n.b.c\na.b.c\n', 'a.b.c')).toBe('a.b.c')
    expect(covers('.c\n.b.c\n', 'a.b.c')).toBe('.b.c')
  })

  test('may list address literals', () => {
    const { value, mistakes } = parseRcpthosts(bytes('[192.0.2.1]\n[IPv6:2001:db8::1]\n'))
    expect(value.find('[ipv6:2001:DB8::1]')).toBe('[ipv6:2001:db8::1]')
    expect(mistakes).toEqual([])
  })

  test.each([
    ' lead.example',
    'dos.example\r',
    'user@a.example',
    'a.example b.example',
    'a.example:25',
    '\uFEFFfirst.example',
  ])('reports %j, which matches nothing', (text) => {
    expect(parseRcpthosts(bytes(`${text}\n`)).mistakes).toMatchObject([{ line: 1, text }])
  })

  test('does not take a letter for another that merely lower-cases to it', () => {
    expect(covers('k.example\n', '\u212A.example')).toBeUndefined()
  })
})

describe('morercpthosts.cdb', () => {
  const keys = ['more.org', '.dotmore.org', 'upper.org']
  const more = moreRcpthosts(
    openCdb(readAtBytes(buildCdb(keys.map((key) => [bytes(key), bytes('')] as const)))),
  )

  test.each([
    ['more.org', 'more.org'],
    ['UPPER.org', 'upper.org'],
    ['x.dotmore.org', '.dotmore.org'],
    ['dotmore.org', undefined],
    ['x.more.org', undefined],
  ])('covers %j by %j', (domain, entry) => {
    expect(more.find(domain)).toBe(entry)
  })

  test('that is damaged is an error, not a no', () => {
    const file = buildCdb([[bytes('more.org'), bytes('')]])
    expect(() =>
      moreRcpthosts(openCdb(readAtBytes(file.subarray(0, -8)))).find('more.org'),
    ).toThrow(CdbError)
  })

  test('is one list with rcpthosts to whoever asks what this host takes mail for', () => {
    const file = buildCdb([[bytes('more.org'), bytes('')]])
    const { value, doubts } = parseAllRcpthosts(bytes('one.org\n'), file)
    expect(['one.org', 'More.org', 'other.org'].map((each) => value.find(each))).toEqual([
      'one.org',
      'more.org',
      undefined,
    ])
    expect(doubts).toEqual([])
    const damaged = parseAllRcpthosts(bytes('one.org\n'), file.subarray(0, 100))
    expect(damaged.value.find('one.org')).toBe('one.org')
    expect(damaged.doubts).toMatchObject([{ remedy: 'make it anew: postern cdb' }])
  })
})

test('the list and the cdb cover the same domains by the same entries', () => {
  const domain = fc
    .array(fc.constantFrom('a', 'B', 'c', ''), { minLength: 1, maxLength: 4 })
    .map((labels) => labels.join('.'))
  fc.assert(
    fc.property(fc.array(domain), domain, (entries, wanted) => {
      const written = entries.filter((entry) => entry !== '')
      const cdb = buildCdb(written.map((entry) => [bytes(entry.toLowerCase()), bytes('')] as const))
      const more = moreRcpthosts(openCdb(readAtBytes(cdb)))
      expect(more.find(wanted)).toBe(covers(written.join('\n'), wanted))
    }),
  )
})

describe('the keys of a domain', () => {
  test('are itself and what follows each of its dots', () => {
    expect([...domainKeys('A.b.C.')]).toEqual(['a.b.c.', '.b.c.', '.c.', '.'])
    expect([...domainKeys('.b')]).toEqual(['.b'])
  })

  test('are none when it is longer than a domain can be', () => {
    expect([...domainKeys('.'.repeat(255))]).toHaveLength(255)
    expect([...domainKeys('.'.repeat(256))]).toEqual([])
  })
})

describe('locals', () => {
  test('are exact names, whatever their case', () => {
    const { value } = parseLocals(bytes('Host.example\n.sub.example\n'), 'me.example')
    expect([...value]).toEqual(['host.example', '.sub.example'])
  })

  test('are the host alone where there is no file, and nothing where it is empty', () => {
    expect([...parseLocals(undefined, 'Me.example').value]).toEqual(['me.example'])
    expect([...parseLocals(bytes(''), 'me.example').value]).toEqual([])
  })
})

describe('virtualdomains', () => {
  const file = [
    'virt.example:joe-virt',
    '.wild.example:joe-wild',
    'user@one.example:dave-one',
    'excl.dom:',
    'UPPER.example:Mixed',
    '.x.wild.example:nearer',
  ].join('\n')
  const prefix = (text: string, address: string): string | undefined =>
    parseVirtualDomains(bytes(text)).value.find(address)?.prefix

  test.each([
    ['sales@virt.example', 'joe-virt'],
    ['SALES@VIRT.EXAMPLE', 'joe-virt'],
    ['any@y.wild.example', 'joe-wild'],
    ['any@x.wild.example', 'joe-wild'],
    ['any@a.x.wild.example', 'nearer'],
    ['any@wild.example', undefined],
    ['user@one.example', 'dave-one'],
    ['other@one.example', undefined],
    ['any@excl.dom', ''],
    ['any@upper.example', 'Mixed'],
    ['a@b@virt.example', 'joe-virt'],
  ])('gives %j the prefix %j', (address, expected) => {
    expect(prefix(file, address)).toBe(expected)
  })

  test('has a catch-all, which an empty prefix excepts a domain from', () => {
    const text = ':all\nexcl.dom:\n'
    expect([prefix(text, 'a@any.example'), prefix(text, 'a@excl.dom')]).toEqual(['all', ''])
    expect(prefix(text, 'no-domain')).toBe('all')
  })

  test('says which line it was', () => {
    const { value } = parseVirtualDomains(bytes(`# comment\n${file}`))
    expect(value.find('a@excl.dom')).toEqual({ key: 'excl.dom', prefix: '', line: 5 })
  })

  test.each(['virt.example', 'virt.example: joe', ' virt.example:joe', 'virt.example:joe\r'])(
    'reports %j once',
    (text) => {
      expect(parseVirtualDomains(bytes(`${text}\n`)).mistakes).toMatchObject([{ line: 1, text }])
    },
  )
})
