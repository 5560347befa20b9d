import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, test } from 'vitest'
import { readAtBytes } from './cdb.ts'
import { openCdb } from './cdb-reader.ts'
import { buildCdb } from './cdb-writer.ts'
import { compileTcpRules, parseTcpRules } from './tcprules.ts'
import {
  findTcpRule,
  tcpRuleItems,
  tcpRuleKeys,
  tcpRulesOfCdb,
  tcpRulesOfText,
  wantsHost,
  type TcpClient,
  type TcpRules,
} from './tcprules-lookup.ts'

interface Vector {
  readonly rules: string
  readonly rc: number
  readonly checks: readonly { env: Record<string, string>; out: string }[]
}

const vectors: readonly Vector[] = readFileSync(
  new URL('../../test/fixtures/formats/tcprules-vectors.jsonl', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line))

const text = (rules: string, extended = false) => parseTcpRules(Buffer.from(rules), { extended })
const inText = (rules: string): TcpRules => tcpRulesOfText(text(rules))
const inCdb = (rules: string): TcpRules =>
  tcpRulesOfCdb(openCdb(readAtBytes(compileTcpRules(text(rules)))))
const extendedText = (rules: string): TcpRules => tcpRulesOfText(text(rules, true))
const extendedCdb = (rules: string): TcpRules =>
  tcpRulesOfCdb(openCdb(readAtBytes(compileTcpRules(text(rules, true)))))
const key = (rules: TcpRules, client: TcpClient): string | undefined =>
  findTcpRule(rules, client)?.rule.key

/** What tcprulescheck prints, made from our own parts. */
function check(rules: string, client: TcpClient): string {
  const cdb = openCdb(readAtBytes(compileTcpRules(text(rules))))
  for (const candidate of tcpRuleKeys(client, { ipv4: [], ipv6: [] })) {
    const data = cdb.get(Buffer.from(candidate, 'latin1'))
    if (data === undefined) continue
    const items = tcpRuleItems(Buffer.from(data).toString('latin1'))
    const shown = items.map((item) => `set environment variable ${item.slice(1)}\n`)
    const verdict = items.includes('D')
      ? 'deny connection\n'
      : `${shown.join('')}allow connection\n`
    return `rule ${candidate}:\n${verdict}`
  }
  return 'default:\nallow connection\n'
}

test('clients get the rule that tcprulescheck gives them, in 880 of its answers', () => {
  let answers = 0
  for (const { rules, checks, rc } of vectors) {
    if (rc !== 0) continue
    for (const { env, out } of checks) {
      const { TCPREMOTEIP: ip = '0.0.0.0', TCPREMOTEHOST: host, TCPREMOTEINFO: info } = env
      expect(check(rules, { ip, host, info })).toBe(out)
      for (const source of [inText(rules), inCdb(rules)]) {
        const found = findTcpRule(source, { ip, host, info })
        const [, expectedKey] = /^rule (.*):$/m.exec(out) ?? []
        expect(found?.rule.key).toBe(expectedKey)
        expect(found?.action ?? 'allow').toBe(out.includes('\ndeny') ? 'deny' : 'allow')
      }
      answers++
    }
  }
  expect(answers).toBe(880)
})

describe('the rules of the manual', () => {
  const rules = [
    '127.:allow,RELAYCLIENT=""',
    '192.168.1.5-7:deny',
    '=.example.net:allow,H="s"',
    '=:allow,H="any"',
    ':allow,RBLSMTPD="-no"',
  ].join('\n')

  test.each([
    [{ ip: '127.0.0.1' }, '127.', 'allow', [['RELAYCLIENT', '']], 1],
    [{ ip: '192.168.1.6' }, '192.168.1.6', 'deny', [], 2],
    [{ ip: '4.4.4.4', host: 'a.b.example.net' }, '=.example.net', 'allow', [['H', 's']], 3],
    [{ ip: '4.4.4.4', host: 'x.y' }, '=', 'allow', [['H', 'any']], 4],
    [{ ip: '4.4.4.4', host: '' }, '=', 'allow', [['H', 'any']], 4],
    [{ ip: '4.4.4.4' }, '', 'allow', [['RBLSMTPD', '-no']], 5],
  ])('give %j the rule %j', (client, expectedKey, action, variables, line) => {
    const found = findTcpRule(inText(rules), client)
    expect(found?.rule).toEqual({ key: expectedKey, line })
    expect(found?.action).toBe(action)
    expect([...(found?.environment ?? [])]).toEqual(variables)
    expect(findTcpRule(inCdb(rules), client)?.rule).toEqual({ key: expectedKey })
  })
})

describe('the order of precedence', () => {
  const client = { ip: '1.2.3.4', host: 'a.b.c', info: 'joe' }
  const order = [
    'joe@1.2.3.4',
    'joe@=a.b.c',
    '1.2.3.4',
    '=a.b.c',
    '1.2.3.',
    '1.2.',
    '1.',
    '=.b.c',
    '=.c',
    '=',
    '',
  ]

  test.each(order.map((first, index) => [first, order.slice(index)] as const))(
    'puts %j before the rest',
    (first, rest) => {
      const rules = rest
        .toReversed()
        .map((address) => `${address}:allow`)
        .join('\n')
      expect(key(inText(rules), client)).toBe(first)
      expect(key(inCdb(rules), client)).toBe(first)
    },
  )

  test('has networks after the exact address and =host, before the dotted prefixes', () => {
    const networks = ['1.2.3.4/32', '1.2.3.0/25', '1.2.0.0/16', '0.0.0.0/0']
    const all = [...order.slice(0, 4), ...networks, ...order.slice(4)]
    for (const [index, first] of all.entries()) {
      const rules = all
        .slice(index)
        .toReversed()
        .map((address) => `${address}:allow`)
        .join('\n')
      expect(key(extendedText(rules), client)).toBe(first)
      expect(key(extendedCdb(rules), client)).toBe(first)
    }
  })
})

test('without a rule a client is allowed and nothing is set: there is no rule to show', () => {
  expect(findTcpRule(inText('1.:deny'), { ip: '2.2.2.2' })).toBeUndefined()
})

test('one rule applies, the first of the file, and never the variables of another', () => {
  const found = findTcpRule(inText('1.2.3.4:allow,A="1"\n1.2.3.4:deny\n1.2.3.:allow,B="2"'), {
    ip: '1.2.3.4',
  })
  expect(found?.action).toBe('allow')
  expect([...(found?.environment ?? [])]).toEqual([['A', '1']])
})

test('of a variable that is set twice the last value counts', () => {
  const found = findTcpRule(inText(':allow,A="1",A="2"'), { ip: '1.2.3.4' })
  expect(found?.environment.get('A')).toBe('2')
})

test('a value is text: UTF-8 where it is UTF-8, Latin-1 where it is not', () => {
  const rules = parseTcpRules(Buffer.from(':allow,A="\xc3\xbc",B="\xfc"', 'latin1'))
  const found = findTcpRule(tcpRulesOfText(rules), { ip: '1.2.3.4' })
  expect([...(found?.environment.values() ?? [])]).toEqual(['ü', 'ü'])
})

test('a rule found twice is one object, in the text and in a cdb', () => {
  for (const rules of [inText('1.:allow,A="1"'), inCdb('1.:allow,A="1"')]) {
    expect(findTcpRule(rules, { ip: '1.1.1.1' })).toBe(findTcpRule(rules, { ip: '1.2.2.2' }))
  }
})

test('a name outside of ASCII never matches a key by losing its upper bits', () => {
  expect(key(inText('=A:deny'), { ip: '1.2.3.4', host: '\u0141' })).toBeUndefined()
  expect(key(inText('=ł:deny'), { ip: '1.2.3.4', host: 'ł' })).toBe('=ł')
})

describe('IPv6', () => {
  const rules =
    '[2001:db8::1]:allow\n[2001:db8::]/32:deny\n[2001:db8:1::]/48:allow\n=host:deny\njoe@[2001:db8::2]:allow\n:allow'

  test.each([
    [{ ip: '2001:db8::1' }, '[2001:db8::1]'],
    [{ ip: '2001:0DB8:0:0::1' }, '[2001:db8::1]'],
    [{ ip: '2001:db8::2' }, '[2001:db8::]/32'],
    [{ ip: '2001:db8::2', info: 'joe' }, 'joe@[2001:db8::2]'],
    [{ ip: '2001:db8:1:2::3' }, '[2001:db8:1::]/48'],
    [{ ip: '2001:db8:1:2::3', host: 'host' }, '=host'],
    [{ ip: '2001:db9::' }, ''],
    [{ ip: 'fe80::1%eth0' }, ''],
  ])('gives %j the rule %j', (client, expected) => {
    expect(key(extendedText(rules), client)).toBe(expected)
    expect(key(extendedCdb(rules), client)).toBe(expected)
  })

  test('clients get no rule that was meant for a dotted prefix', () => {
    expect(key(extendedText('1.:deny'), { ip: '1::2' })).toBeUndefined()
  })
})

describe('a cdb from elsewhere', () => {
  const only = (data: string) =>
    findTcpRule(
      tcpRulesOfCdb(openCdb(readAtBytes(buildCdb([[Buffer.from(''), Buffer.from(data)]])))),
      { ip: '1.2.3.4' },
    )

  test('may have items that mean nothing; they are passed over', () => {
    const found = only('+A=1\0+noequals\0?what\0\0+B=2\0D\0+C=unfinished')
    expect(found?.action).toBe('deny')
    expect([...(found?.environment ?? [])]).toEqual([
      ['A', '1'],
      ['B', '2'],
    ])
  })

  test('may hold any bytes as the lengths of its networks', () => {
    fc.assert(
      fc.property(fc.string(), (data) => {
        const cdb = openCdb(readAtBytes(buildCdb([[Buffer.from('/'), Buffer.from(data)]])))
        expect(key(tcpRulesOfCdb(cdb), { ip: '1.2.3.4' })).toBeUndefined()
      }),
    )
  })
})

const octet = fc.constantFrom(0, 1, 127, 128, 255)
const ipv4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'))
const group = fc.constantFrom('0', '1', 'db8', '8000', 'ffff')
const ipv6 = fc
  .tuple(group, group, group, group, group, group, group)
  .map((parts) => `2001:${parts.join(':')}`)
const ipv4Network = fc.tuple(ipv4, fc.nat(32)).map(([ip, bits]) => `${ip}/${bits}`)
const ipv6Network = fc.tuple(ipv6, fc.nat(128)).map(([ip, bits]) => `[${ip}]/${bits}`)
const networks = fc.array(fc.oneof(ipv4Network, ipv6Network), { maxLength: 12 })

test('of the networks that a client lies in, the longest wins, in the text and in the cdb', () => {
  fc.assert(
    fc.property(networks, fc.oneof(ipv4, ipv6), (list, ip) => {
      const client = ipaddr.parse(ip)
      const lengths = list.flatMap((network) => {
        const [range, bits] = ipaddr.parseCIDR(network.replace(/[[\]]/g, ''))
        return range.kind() === client.kind() && client.match(range, bits) ? [bits] : []
      })
      const longest = lengths.length > 0 ? String(Math.max(...lengths)) : undefined
      const rules = list.map((network) => `${network}:allow`).join('\n')
      for (const source of [extendedText(rules), extendedCdb(rules)]) {
        expect(key(source, { ip })?.split('/')[1]).toBe(longest)
      }
    }),
  )
})

test('text and cdb give every client the same rule', () => {
  const label = fc.constantFrom('a', 'b', '', 'mail')
  const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
  const info = fc.constantFrom('joe', '', 'a@b')
  const prefix = fc
    .tuple(ipv4, fc.integer({ min: 1, max: 3 }))
    .map(([ip, count]) => `${ip.split('.').slice(0, count).join('.')}.`)
  const range = ipv4.map((ip) => ip.replace(/\d+$/, '1-255'))
  const address = fc.oneof(
    ipv4,
    prefix,
    range,
    host.map((name) => `=${name}`),
    host.map((name) => `=.${name}`),
    fc.tuple(info, ipv4).map((parts) => parts.join('@')),
    fc.constantFrom('', '='),
  )
  const rule = fc
    .tuple(address, fc.constantFrom('allow', 'deny', 'allow,A="1"', 'deny,B=/2/'))
    .map((parts) => parts.join(':'))
  const client = fc.record({
    ip: ipv4,
    host: fc.option(host, { nil: undefined }),
    info: fc.option(info, { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 20 }), client, (lines, who) => {
      const rules = lines.join('\n')
      const [a, b] = [findTcpRule(inText(rules), who), findTcpRule(inCdb(rules), who)]
      expect(a?.rule.key).toBe(b?.rule.key)
      expect(a?.action).toBe(b?.action)
      expect([...(a?.environment ?? [])]).toEqual([...(b?.environment ?? [])])
    }),
  )
})

describe('the name of a client', () => {
  const rules = (text: string): TcpRules => tcpRulesOfText(parseTcpRules(Buffer.from(text)))

  test('is wanted where a rule asks for it, and none stands for the very address', () => {
    const named = rules('192.0.2.1:allow\n=mx.example:allow,A="b"\n:deny\n')
    expect(wantsHost(named, '192.0.2.2')).toBe(true)
    expect(wantsHost(named, '192.0.2.1')).toBe(false)
    expect(wantsHost(rules('192.0.2.:allow\njoe@=mx.example:deny\n'), '192.0.2.2')).toBe(false)
  })

  test('is wanted by a cdb as by its text', () => {
    const cdb = (text: string): TcpRules =>
      tcpRulesOfCdb(openCdb(readAtBytes(compileTcpRules(parseTcpRules(Buffer.from(text))))))
    expect(wantsHost(cdb('=.example:allow\n'), '192.0.2.2')).toBe(true)
    expect(wantsHost(cdb('192.0.2.:allow\n'), '192.0.2.2')).toBe(false)
  })
})
