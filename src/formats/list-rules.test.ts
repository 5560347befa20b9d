import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import { compileLists, type ListedMail } from './list-lookup.ts'
import {
  formatListRule,
  listSubjects,
  listWords,
  parseListRules,
  readRule,
  withListRule,
  withoutListRule,
} from './list-rules.ts'

const words = (text: string): readonly string[] => text.split(' ')
const rule = (text: string) => {
  const read = readRule(words(text))
  if (typeof read === 'string') throw new Error(read)
  return read
}
const mailbox = (text: string): Mailbox => {
  const read = parseMailbox(text)
  if (read === undefined) throw new Error(`${text} is no address`)
  return read
}

describe('a rule', () => {
  test.each([
    ['allow client 192.0.2.77/24', 'allow client 192.0.2.0/24'],
    ['block client 192.0.2.1', 'block client 192.0.2.1/32'],
    ['block client 2001:DB8::1/32', 'block client 2001:db8::/32'],
    ['ALLOW Name MX.Example.Org', 'allow name mx.example.org'],
    ['allow name .example.org', 'allow name .example.org'],
    ['block sender Eve@Bad.Example', 'block sender eve@bad.example'],
    ['block sender bad.example', 'block sender @bad.example'],
    ['block sender @.bad.example', 'block sender .bad.example'],
    ['block sender <>', 'block sender <>'],
    ['block sender @localhost', 'block sender @localhost'],
    ['allow from @bücher.example', 'allow from @xn--bcher-kva.example'],
    ['block from @x.example for @example.org', 'block from @x.example for example.org'],
    ['block from x.example for Bob@Example.org', 'block from @x.example for bob@example.org'],
    ['block from x.example for postmaster', 'block from @x.example for postmaster'],
  ])('%s is written as %s', (text, written) => {
    expect(formatListRule(rule(text))).toBe(written)
    expect(rule(written)).toEqual(rule(text))
  })

  test.each([
    ['allow', 'write allow or block'],
    ['permit client 192.0.2.1', 'write allow or block'],
    ['allow host x.example', 'write allow or block'],
    ['allow client', 'write allow or block'],
    ['allow client 192.0.2.1 for', 'write allow or block'],
    ['allow client 192.0.2.1 at example.org', 'write allow or block'],
    ['allow client 192.0.2.1 for a@b.example c', 'write allow or block'],
    ['allow client 192.0.2.0/33', 'an address or a network'],
    ['allow client 192.0.2.0/24/3', 'an address or a network'],
    ['allow client fe80::1%eth0', 'an address or a network'],
    ['allow client example.org', 'an address or a network'],
    ['allow name *.example.org', 'a host name'],
    ['allow sender @', 'an address'],
    ['allow sender a@@b', 'an address'],
    ['block sender nonsense', 'an address, @domain'],
    ['block from nonsense', 'an address, @domain'],
    ['allow sender <>', 'nobody can prove'],
    ['block from <>', 'an address'],
    ['block from x.example for a@', 'a recipient or a domain'],
  ])('%s is none: %s', (text, remedy) => {
    expect(readRule(words(text))).toContain(remedy)
  })

  test('is the same after it was written, whatever it is made of', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,8}$/)
    const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((all) => all.join('.'))
    const address = fc.tuple(label, domain).map(([local, host]) => `${local}@${host}`)
    const network = fc.tuple(fc.ipV4(), fc.nat(32)).map(([ip, bits]) => `${ip}/${bits}`)
    const value = {
      client: network,
      name: domain,
      sender: fc.oneof(
        address,
        domain.map((each) => `@${each}`),
      ),
      from: fc.oneof(
        address,
        domain.map((each) => `@${each}`),
      ),
    }
    const anyRule = fc
      .constantFrom(...listSubjects)
      .chain((by) =>
        fc.tuple(
          fc.constantFrom(...listWords),
          fc.constant(by),
          value[by],
          fc.option(fc.oneof(address, domain), { nil: undefined }),
        ),
      )
    fc.assert(
      fc.property(anyRule, ([word, by, what, target]) => {
        const read = rule(`${word} ${by} ${what}${target === undefined ? '' : ` for ${target}`}`)
        expect(rule(formatListRule(read))).toEqual(read)
      }),
    )
  })
})

describe('a file of rules', () => {
  const text = '# ours\nallow client 192.0.2.0/24\n\n  block sender a#b@x.example  # why\n'

  test('is read line by line, with comments, and bytes of any kind end in mistakes at worst', () => {
    expect(parseListRules(Buffer.from(text)).rules.map(formatListRule)).toEqual([
      'allow client 192.0.2.0/24',
      'block sender a#b@x.example',
    ])
    expect(parseListRules(undefined)).toEqual({ rules: [], mistakes: [] })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const { mistakes } = parseListRules(bytes)
        for (const { line, remedy } of mistakes)
          expect([line > 0, remedy !== '']).toEqual([true, true])
      }),
    )
  })

  test('names each line that is wrong, and rules that contradict each other', () => {
    const file = 'allow sender x.example\nallow sander y.example\nblock sender @X.example\n'
    expect(parseListRules(Buffer.from(file)).mistakes).toMatchObject([
      { line: 2, text: 'allow sander y.example' },
      { line: 3, remedy: 'line 1 says the opposite: take one of them away' },
    ])
  })

  test('takes a rule once, and gives it back however it was spelled', () => {
    const added = withListRule(text, rule('block from y.example'), 'a note')
    expect(added).toBe(`${text}block from @y.example  # a note\n`)
    expect(withListRule(added, rule('block from @Y.example'))).toBe(added)
    expect(withoutListRule(added, rule('block from @Y.EXAMPLE'))).toBe(text)
    expect(withListRule('# no end', rule('block from y.example'))).toBe(
      '# no end\nblock from @y.example\n',
    )
    expect(withoutListRule(text, rule('allow sender z.example'))).toBe(text)
  })
})

const proven = { isProven: () => true }
const mail: ListedMail = { address: '192.0.2.9', sender: mailbox('a@sub.x.example'), ...proven }
const bob = mailbox('bob@example.org')

function judged(text: string, about: Partial<ListedMail> = {}, recipient: Mailbox = bob) {
  const { rules, mistakes } = parseListRules(Buffer.from(text.replaceAll('; ', '\n')))
  expect(mistakes).toEqual([])
  const ruling = compileLists(rules).judge({ ...mail, ...about }, recipient)
  return ruling === undefined ? 'nothing' : `${ruling.says} ${ruling.rule.line}`
}

describe('lists', () => {
  test.each([
    ['allow client 192.0.2.0/24', 'allow 1'],
    ['allow client 192.0.3.0/24', 'nothing'],
    ['allow client 0.0.0.0/0', 'allow 1'],
    ['allow client ::/0', 'nothing'],
    ['block client 192.0.2.0/24; allow client 192.0.2.8/29', 'allow 2'],
    ['allow client 0.0.0.0/0; block client 192.0.2.9', 'block 2'],
    ['block sender .x.example; allow sender sub.x.example', 'allow 2'],
    ['allow sender sub.x.example; block sender a@sub.x.example', 'block 2'],
    ['block sender x.example', 'nothing'],
    ['block sender .example', 'block 1'],
    ['block client 192.0.2.9; allow sender sub.x.example', 'block 1'],
    ['block client 192.0.2.9; allow sender sub.x.example for example.org', 'allow 2'],
    ['allow sender .x.example for bob@example.org; block sender a@sub.x.example', 'allow 1'],
    [
      'block sender .x.example for Bob@example.org; allow client 192.0.2.9 for example.org',
      'block 1',
    ],
    ['block sender .x.example for eve@example.org', 'nothing'],
    ['block sender <>', 'nothing'],
  ])('%s: %s', (text, says) => {
    expect(judged(text)).toBe(says)
  })

  test('know IPv6 networks', () => {
    const about = { address: '2001:db8:7::1' }
    expect(judged('allow client 2001:db8::/32; block client 2001:db8:7::/48', about)).toBe(
      'block 2',
    )
    expect(judged('block client 2001:db8:8::/48; block client 0.0.0.0/0', about)).toBe('nothing')
  })

  test('know the null path, names of clients, and authors', () => {
    expect(judged('block sender <> for bob@example.org', { sender: null })).toBe('block 1')
    expect(judged('allow name .x.example', { name: 'MX.x.example' })).toBe('allow 1')
    expect(judged('allow name .x.example', { name: 'mx.x.example.evil' })).toBe('nothing')
    expect(judged('block from x.example', { from: [mailbox('E@X.example')] })).toBe('block 1')
  })

  test('take an allow by sender for nothing while nobody vouches for it, and ask the next level', () => {
    const isProven = (): boolean => false
    expect(judged('allow sender .x.example', { isProven })).toBe('unproven 1')
    const both = 'allow sender .x.example for example.org; block client 192.0.2.9'
    expect(judged(both, { isProven })).toBe('block 2')
    expect(judged(both)).toBe('allow 1')
  })

  test('do not let one of two authors bring in the other', () => {
    const from = [mailbox('good@x.example'), mailbox('eve@y.example')]
    expect(judged('allow from x.example', { from })).toBe('unproven 1')
    expect(judged('block from y.example', { from })).toBe('block 1')
  })
})
