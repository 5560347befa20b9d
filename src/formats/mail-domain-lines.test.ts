import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  formatDomainAlias,
  formatMailAlias,
  formatMailDomain,
  parseMailDomainLines,
  readMailAlias,
  readMailDomain,
} from './mail-domain-lines.ts'

test('domains and aliases are read from lines, and mistakes are told by their line', () => {
  const { domains, aliases, mistakes } = parseMailDomainLines(`# ours
domain Example.ORG max-users=10 catch-all=bob@example.org default-quota=1MB

alias Sales@example.org bob@example.org Carol@example.net bob@example.org
domain example.net max-users=many
alias nobody@example.org
mailbox x
`)
  expect(domains).toEqual([
    {
      name: 'example.org',
      catchAll: { to: 'bob@example.org' },
      overQuota: 'reject',
      maxUsers: 10,
      defaultQuota: { bytes: 1_048_576 },
    },
  ])
  expect(aliases).toEqual([
    { address: 'sales@example.org', targets: ['bob@example.org', 'Carol@example.net'] },
  ])
  expect(mistakes.map(({ line }) => line)).toEqual([5, 6, 7])
})

test('a setting is changed, and set back by nothing', () => {
  const before = readMailDomain('example.org', ['max-users=3', 'quota=1GB', 'over-quota=defer'])
  if (typeof before === 'string') throw new Error(before)
  expect(readMailDomain('example.org', ['max-users=', 'over-quota='], before)).toEqual({
    name: 'example.org',
    catchAll: 'bounce',
    overQuota: 'reject',
    quota: { bytes: 2 ** 30 },
  })
})

test.each([['nowhere..test'], ['two words'], ['']])('%j is no domain', (name) => {
  expect(readMailDomain(name, [])).toContain('is no domain')
})

test('an alias leads to a thousand addresses and no more', () => {
  const targets = Array.from({ length: 1001 }, (_, n) => `u${n}@example.org`)
  expect(readMailAlias('all@example.org', targets.slice(1))).toMatchObject({
    address: 'all@example.org',
  })
  expect(readMailAlias('all@example.org', targets)).toBe('write at most 1000 addresses')
})

const word = fc.stringMatching(/^[a-z]{1,9}$/)
const address = fc.tuple(word, word).map(([user, host]) => `${user}@${host}.test`)
const limits = fc.record(
  { bytes: fc.integer({ min: 1 }), messages: fc.integer({ min: 1 }) },
  { requiredKeys: [] },
)
const count = fc.integer({ min: 0, max: 99_999 })

test('what is written is read as it was', () => {
  const domain = fc.record(
    {
      name: word.map((host) => `${host}.test`),
      catchAll: fc.oneof(
        fc.constantFrom('bounce' as const, 'delete' as const),
        address.map((to) => ({ to })),
      ),
      overQuota: fc.constantFrom('reject' as const, 'defer' as const),
      maxUsers: count,
      maxAliases: count,
      quota: limits,
      defaultQuota: limits,
    },
    { requiredKeys: ['name', 'catchAll', 'overQuota'] },
  )
  const alias = fc.record({
    address,
    targets: fc.uniqueArray(address, { minLength: 1, maxLength: 5 }),
  })
  fc.assert(
    fc.property(domain, alias, (a, b) => {
      const c = { name: `other.${a.name}`, domain: a.name }
      const lines = [formatMailDomain(a), formatMailAlias(b), formatDomainAlias(c)]
      const read = { domains: [a], domainAliases: [c], aliases: [b], mistakes: [] }
      expect(parseMailDomainLines(`${lines.join('\n')}\n`)).toEqual(read)
    }),
  )
})

test('no text is too strange for it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const lines = text.split('\n').length
      expect(parseMailDomainLines(`domain ${text}`).mistakes.length).toBeLessThanOrEqual(lines)
      expect(parseMailDomainLines(`alias ${text}`).mistakes.length).toBeLessThanOrEqual(lines)
    }),
  )
})
