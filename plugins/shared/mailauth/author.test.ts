import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cpuMsOf } from 'postern/testkit'
import { authorDomains } from './author.ts'

test.each([
  ['a@b.test', ['b.test']],
  ['Alice <a@B.Test>', ['b.test']],
  ['"a, b" <a@b.test>, c@d.test', ['b.test', 'd.test']],
  ['"a@bank.test" <a@evil.test>', ['evil.test']],
  ['a@b.test (c@d.test (nested))', ['b.test']],
  ['(c) a (d) @ (e) b.test', ['b.test']],
  ['"quoted@local"@b.test', ['b.test']],
  ['Alice a@b.test', ['b.test']],
  ['a . b @ c .\r\n test', ['c.test']],
  ['< "a" . b @ b (c) . test >', ['b.test']],
  ['friends: a@b.test, c@b.test;', ['b.test']],
  ['<@relay.test:a@b.test>', ['b.test']],
  ['=?utf-8?q?a=40bank=2Etest?= <a@b.test>', ['b.test']],
  ['a@münchen.test', ['xn--mnchen-3ya.test']],
  ['a@b.test.', ['b.test']],
  ['<a@b.test> <c@d.test>', ['b.test', 'd.test']],
  ['a@[192.0.2.1]', ['[192.0.2.1]']],
])('%s was written by %j', (field, domains) => {
  expect(authorDomains([field])).toEqual({ readable: true, domains })
})

test.each([
  [[], 'there is no From field'],
  [['a@b.test', 'a@b.test'], 'there are 2 From fields'],
  [[''], 'there is no address in From'],
  [['friends:;'], 'there is no address in From'],
  [['root'], 'an address in From has no domain'],
  [['a@b@c.test'], 'an address in From has no domain'],
  [['a@b_!.test'], 'an address in From has no domain'],
  [['a@bank.test x'], 'an address in From has no domain'],
  [['a@bank.test(c)x'], 'an address in From has no domain'],
  [['a@bank.test"x"'], 'an address in From has no domain'],
  [['<a@bank.test x>'], 'an address in From has no domain'],
  [['<a@bank.test (c) x>'], 'an address in From has no domain'],
  [['a@bank.test\u00a0'], 'an address in From has no domain'],
  [['<a@b.test> c: d@bank.test;'], 'the From field is malformed'],
  [['a@bank.test: a@b.test'], 'the From field is malformed'],
  [['"a <a@b.test>'], 'the From field is malformed'],
  [['(a a@b.test'], 'the From field is malformed'],
  [['<a@b.test'], 'the From field is malformed'],
  [['<<a@b.test>>'], 'the From field is malformed'],
  [['a@1.test,a@2.test,a@3.test,a@4.test,a@5.test,a@6.test'], 'there are 6 domains in From'],
])('%j cannot be read: %s', (fields, problem) => {
  expect(authorDomains(fields)).toEqual({ readable: false, problem })
})

test('every mailbox counts, however it is dressed', () => {
  const dress = fc.constantFrom(
    (address: string) => address,
    (address: string) => `<${address}>`,
    (address: string) => `"x, y@z.test" <${address}>`,
    (address: string) => `(c, d@e.test) ${address} (f)`,
    (address: string) => `g: ${address};`,
  )
  const domain = fc.constantFrom('one.test', 'two.test', 'three.test')
  fc.assert(
    fc.property(fc.array(fc.tuple(dress, domain), { minLength: 1 }), (mailboxes) => {
      const field = mailboxes.map(([make, name]) => make(`a@${name}`)).join(', ')
      const domains = [...new Set(mailboxes.map(([, name]) => name))]
      expect(authorDomains([field])).toEqual({ readable: true, domains })
    }),
  )
})

test('no text makes it throw, or takes it long', async () => {
  fc.assert(fc.property(fc.array(fc.string()), (fields) => void authorDomains(fields)))
  const cpuMs = await cpuMsOf(() => {
    for (const piece of ['(', '"', '<', 'a@b,', ':', '\\', '@'])
      authorDomains([piece.repeat(16_000)])
  })
  expect(cpuMs).toBeLessThan(2_000)
})
