import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAtBytes } from './cdb.ts'
import { openCdb } from './cdb-reader.ts'
import { compileTcpRules, parseTcpRules } from './tcprules.ts'

interface Vector {
  readonly rules: string
  readonly rc: number
  readonly stderr: string
}

const vectors: readonly Vector[] = readFileSync(
  new URL('../../test/fixtures/formats/tcprules-vectors.jsonl', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line))

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const parse = (text: string) => parseTcpRules(bytes(text))
const extended = (text: string) => parseTcpRules(bytes(text), { extended: true })
const records = (text: string): string[][] =>
  parse(text).records.map(({ key, data }) => [key, data])
const keys = (text: string): string[] => parse(text).records.map(({ key }) => key)
const lines = (problems: readonly { line: number }[]): number[] => problems.map(({ line }) => line)

test('the text is refused where tcprules refuses it, with the line that tcprules names first', () => {
  expect(vectors).toHaveLength(200)
  for (const { rules, rc, stderr } of vectors) {
    const [first] = parseTcpRules(Buffer.from(rules)).mistakes
    const died =
      first === undefined ? '' : `tcprules: fatal: unable to parse this line: ${first.text}\n`
    expect(died).toBe(stderr)
    expect(first === undefined ? 0 : 100).toBe(rc)
  }
})

describe('a record', () => {
  test.each([
    ['127.:allow,RELAYCLIENT=""', [['127.', '+RELAYCLIENT=\0']]],
    ['1.2.3.4:deny,X="y"', [['1.2.3.4', 'D\0+X=y\0']]],
    [
      '10.0.0-1.:allow,A="1",C=+x,y+',
      [
        ['10.0.0.', '+A=1\0+C=x,y\0'],
        ['10.0.1.', '+A=1\0+C=x,y\0'],
      ],
    ],
    [':allow', [['', '']]],
    [':allow,A=/x/,B==a=', [['', '+A=x\0+B=a\0']]],
    ['=host.dom:allow,A="b:c"', [['=host.dom', '+A=b:c\0']]],
    [':allow,="x"', [['', '+=x\0']]],
  ])('of %j is what tcprules writes', (text, expected) => {
    expect(records(text)).toEqual(expected)
  })

  test('keeps the bytes of a value, whatever they mean', () => {
    const [record] = parse(':allow,G="\xc3\xbc\xff"').records
    expect(record?.data).toBe('+G=\xc3\xbc\xff\0')
  })

  test('knows its line, counted from 1, comments and empty lines included', () => {
    const text = '# all\n\n1.2.3.4:allow\n  \n1.2-3.:deny'
    expect(lines(parse(text).records)).toEqual([3, 5, 5])
  })
})

describe('the address', () => {
  test('keeps its blanks, which become part of the key', () => {
    expect(keys(' 1.2.3.4:allow')).toEqual([' 1.2.3.4'])
    expect(keys('1.2.3.4 :allow')).toEqual(['1.2.3.4 '])
  })

  test('has one range, and only the first dash makes it', () => {
    expect(keys('1.2.3.5-7:deny')).toEqual(['1.2.3.5', '1.2.3.6', '1.2.3.7'])
    expect(keys('1.2-3.4-5:deny')).toEqual(['1.2.4-5', '1.3.4-5'])
    expect(keys('254-999.:deny')).toEqual(['254.', '255.'])
    expect(keys('-1.:deny')).toEqual(['0.', '1.'])
    expect(keys('1.007-8:deny')).toEqual(['1.7', '1.8'])
  })

  test('whose range runs backwards makes no record and is no mistake', () => {
    const { records: none, mistakes, doubts } = parse('1.2.9-3:deny')
    expect([none, mistakes, lines(doubts)]).toEqual([[], [], [1]])
  })

  test('with = or @ has no range', () => {
    expect(keys('=mail-1.example:allow\njoe@1.2-3.:allow')).toEqual([
      '=mail-1.example',
      'joe@1.2-3.',
    ])
  })
})

describe('a mistake', () => {
  test.each([
    '1.2.3.4:',
    ':permit',
    ':allowx',
    ':allow,A',
    ':allow,A=',
    ':allow,A=b',
    ':allow,A="b"c',
    ':allow,A="b",',
    ':allow,',
    '::1:allow',
    ':allow\r',
    'host-name:allow',
    '1.2-x.:deny',
  ])('is %j', (text) => {
    const { mistakes } = parse(text)
    expect(mistakes).toMatchObject([{ line: 1, text }])
    expect(mistakes[0]?.remedy).toMatch(/\w/)
  })

  test('is told from all others: they come at once, each with its line', () => {
    expect(lines(parse('x:y\n:allow\n\n1.2.3.4:no\n').mistakes)).toEqual([1, 4])
  })

  test('of a file with CR LF names the line ends', () => {
    expect(parse('127.:allow\r\n').mistakes[0]?.remedy).toContain('LF')
  })
})

describe('a doubt', () => {
  test.each([
    'no colon at all',
    '1.2.3:allow',
    ' 1.2.3.4:allow',
    'joe@:deny',
    'joe@1.2.:deny',
    '[1.2.3.4]:deny',
    '192.0.2.0/25:deny',
  ])('is %j: no client can match it, though tcprules says nothing', (text) => {
    const { mistakes, doubts } = parse(text)
    expect([mistakes, lines(doubts)]).toEqual([[], [1]])
  })

  test.each([
    '1.2.3.4:allow',
    '1.:allow',
    '1.2.3-4.:deny',
    '=:allow',
    '=.a:deny',
    ':deny',
    'a@b@1.2.3.4:deny',
    'joe@=h:deny',
  ])('is not %j', (text) => {
    expect(parse(text).doubts).toEqual([])
  })
})

describe('the extended syntax', () => {
  test.each([
    ['[2001:DB8:0::1]:allow', '[2001:db8::1]'],
    ['joe@[2001:db8::1]:deny', 'joe@[2001:db8::1]'],
    ['[2001:db8:ffff::1]/33:deny', '[2001:db8:8000::]/33'],
    ['[::]/0:deny', '[::]/0'],
    ['192.0.2.200/25:allow', '192.0.2.128/25'],
    ['0.0.0.0/0:deny', '0.0.0.0/0'],
    ['192.0.2.:allow', '192.0.2.'],
    ['=host:allow,A="[x]"', '=host'],
  ])('brings the address of %j into its one form', (text, key) => {
    const { records: found, mistakes, doubts } = extended(text)
    expect([found.map((record) => record.key), mistakes, doubts]).toEqual([[key], [], []])
  })

  test.each([
    '[2001:db8::1:allow',
    '[2001:db8::1]/129:allow',
    '[2001:db8::1]x:allow',
    '[fe80::1%eth0]:allow',
    '[::ffff:192.0.2.1]:allow',
    '[192.0.2.1]:allow',
    'joe@[2001:db8::]/32:allow',
    '192.0.2.0/33:allow',
    '192.0.2/24:allow',
    '192.0.2.256/32:allow',
    '::1:allow',
  ])('refuses %j', (text) => {
    expect(lines(extended(text).mistakes)).toEqual([1])
  })

  test('changes nothing for a text that does not use it: not a byte', () => {
    const withoutNetworks = vectors.filter(({ rules }) => !/^[\d.]+\/\d/m.test(rules))
    expect(withoutNetworks.length).toBeGreaterThan(190)
    for (const { rules } of withoutNetworks) {
      const plain = parseTcpRules(Buffer.from(rules))
      const other = parseTcpRules(Buffer.from(rules), { extended: true })
      expect(lines(other.mistakes)).toEqual(lines(plain.mistakes))
      expect(Buffer.compare(compileTcpRules(other), compileTcpRules(plain))).toBe(0)
    }
  })
})

test('no rules make an empty cdb of 2,048 bytes', () => {
  expect(compileTcpRules(parse('# nothing\n'))).toHaveLength(2048)
})

test('the compiled rules hold every record in its order, repeated keys included', () => {
  const cdb = openCdb(readAtBytes(compileTcpRules(parse('1.:deny\n1.:allow,A="b"\n'))))
  expect(cdb.getAll('1.').map((data) => Buffer.from(data).toString('latin1'))).toEqual([
    'D\0',
    '+A=b\0',
  ])
})

test('any bytes at all give rules, mistakes and doubts, and a file that can be read', () => {
  const nearly = fc.stringMatching(
    /^([-0-9.=@[\]/:a]{0,9}:(allow|deny)(,[A-Z]{0,2}=?["x]{0,3}){0,2}\n){0,5}$/,
  )
  const text = fc.oneof(fc.uint8Array({ maxLength: 200 }), nearly.map(bytes))
  fc.assert(
    fc.property(text, fc.boolean(), (rules, isExtended) => {
      const parsed = parseTcpRules(rules, { extended: isExtended })
      const cdb = openCdb(readAtBytes(compileTcpRules(parsed)))
      for (const { key } of parsed.records) expect(cdb.get(bytes(key))).toBeDefined()
    }),
  )
})
