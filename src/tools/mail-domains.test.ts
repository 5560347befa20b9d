import { expect, test } from 'vitest'
import { memoryAccounts } from '../testkit/memory-accounts.ts'
import {
  addAlias,
  addDomain,
  aliasDomain,
  allAliases,
  checkRoomForUser,
  domainLines,
  importDomains,
  removeAlias,
  setDomain,
  unaliasDomain,
} from './mail-domains.ts'
import { accountLine, allAccounts, importAccounts } from './user-accounts.ts'

const userOf = (user: string) => ({ user, passwordHash: '*', variables: new Map() })

async function ours(...settings: readonly string[]) {
  const accounts = memoryAccounts()
  await addDomain(accounts, 'Here.test', settings)
  return accounts
}

test('a domain is added once, and changed by its settings', async () => {
  const accounts = await ours('max-users=3')
  await expect(addDomain(accounts, 'here.test', [])).rejects.toThrow('there is a domain')
  await expect(addDomain(accounts, 'no domain', [])).rejects.toThrow('is no domain')
  await expect(setDomain(accounts, 'there.test', [])).rejects.toThrow('there is no domain')
  await expect(setDomain(accounts, 'here.test', ['users=3'])).rejects.toThrow('write catch-all=')
  await setDomain(accounts, 'HERE.test', ['catch-all=delete'])
  expect(await accounts.findDomain('here.test')).toMatchObject({ catchAll: 'delete', maxUsers: 3 })
})

test('aliases gather targets, lose them, and are as many as the domain may have', async () => {
  const accounts = await ours('max-aliases=1')
  await addAlias(accounts, 'team@here.test', ['a@here.test'])
  await addAlias(accounts, 'Team@here.test', ['b@there.test', 'a@here.test'])
  expect(await accounts.findAlias('team@here.test')).toMatchObject({
    targets: ['a@here.test', 'b@there.test'],
  })
  await expect(addAlias(accounts, 'more@here.test', ['a@here.test'])).rejects.toThrow(
    'may have 1 aliases and no more',
  )
  await expect(addAlias(accounts, 'x@there.test', ['a@here.test'])).rejects.toThrow(
    'in no domain of ours',
  )
  expect(await removeAlias(accounts, 'team@here.test', ['c@here.test'])).toBe(false)
  expect(await removeAlias(accounts, 'team@here.test', ['a@here.test'])).toBe(true)
  expect(await removeAlias(accounts, 'team@here.test', ['b@there.test'])).toBe(true)
  expect(await Array.fromAsync(allAliases(accounts, 'here.test'))).toEqual([])
})

test('another name means a domain of ours, and is none', async () => {
  const accounts = await ours()
  await aliasDomain(accounts, 'Other.test', 'HERE.test')
  expect(await accounts.findDomainAlias('other.test')).toEqual({
    name: 'other.test',
    domain: 'here.test',
  })
  await expect(aliasDomain(accounts, 'here.test', 'here.test')).rejects.toThrow('mean itself')
  await expect(aliasDomain(accounts, 'x.test', 'other.test')).rejects.toThrow('there is no domain')
  await expect(addDomain(accounts, 'other.test', [])).rejects.toThrow('other.test means here.test')
  await expect(checkRoomForUser(accounts, userOf('a@other.test'))).rejects.toThrow(
    'other.test means here.test',
  )
  await addDomain(accounts, 'there.test', [])
  await expect(aliasDomain(accounts, 'there.test', 'here.test')).rejects.toThrow('of its own')
  expect(await unaliasDomain(accounts, 'OTHER.test')).toBe(true)
  expect(await unaliasDomain(accounts, 'other.test')).toBe(false)
})

test('a domain takes its other names with it', async () => {
  const accounts = await ours()
  await aliasDomain(accounts, 'other.test', 'here.test')
  await accounts.removeDomain('here.test')
  expect(await accounts.findDomainAlias('other.test')).toBeUndefined()
})

test('a domain has so many users and no more', async () => {
  const accounts = await ours('max-users=1')
  await checkRoomForUser(accounts, userOf('a@here.test'))
  await accounts.add(userOf('a@here.test'))
  await checkRoomForUser(accounts, userOf('a@here.test'))
  await checkRoomForUser(accounts, userOf('postmaster'))
  await expect(checkRoomForUser(accounts, userOf('b@here.test'))).rejects.toThrow(
    'may have 1 users, no more',
  )
})

test('what users may fill is no more than what their domain may', async () => {
  const accounts = await ours('quota=10MB', 'default-quota=4MB')
  await accounts.add(userOf('a@here.test'))
  await accounts.add(userOf('b@here.test'))
  const c = (bytes: number | undefined) => ({
    ...userOf('c@here.test'),
    quota: bytes === undefined ? {} : { bytes },
  })
  await checkRoomForUser(accounts, c(2 << 20))
  await expect(checkRoomForUser(accounts, c(3 << 20))).rejects.toThrow('would come to')
  await expect(checkRoomForUser(accounts, c(undefined))).rejects.toThrow('c@here.test has none')
  await accounts.change({ ...userOf('a@here.test'), quota: {} })
  await expect(checkRoomForUser(accounts, c(1))).rejects.toThrow('a@here.test has none')
  await checkRoomForUser(accounts, { ...userOf('b@here.test'), quota: { bytes: 5 << 20 } })
  await expect(
    checkRoomForUser(accounts, { ...userOf('b@here.test'), quota: { bytes: 11 << 20 } }),
  ).rejects.toThrow('would come to')
  const there = { ...c(1), user: 'c@there.test' }
  await expect(checkRoomForUser(accounts, there)).rejects.toThrow('in no domain of ours')
})

test('what is exported comes in again as it was', async () => {
  const accounts = await ours('catch-all=a@here.test', 'quota=10MB')
  await addAlias(accounts, 'team@here.test', ['a@here.test', 'b@there.test'])
  await aliasDomain(accounts, 'other.test', 'here.test')
  const quota = { bytes: 5 }
  const flags = new Set(['no-login', 'no-pop'] as const)
  await accounts.add({ ...userOf('a@here.test'), passwordHash: '$1$a$b', quota, flags })
  const others = memoryAccounts()
  const text = (await Array.fromAsync(domainLines(accounts))).join('\n')
  const stray = 'alias team@there.test a@here.test\ndomain-alias a.test b.test'
  expect(await importDomains(others, `${text}\n${stray}\ndomain x max-users=x\n`)).toMatchObject({
    domains: 1,
    domainAliases: 1,
    aliases: 1,
    mistakes: [
      expect.stringContaining('line 6'),
      expect.stringContaining('there is no domain b.test'),
      expect.stringContaining('in no domain'),
    ],
  })
  expect(await Array.fromAsync(domainLines(others))).toEqual(text.split('\n'))
  const users = await Array.fromAsync(allAccounts(accounts), (account) => accountLine(account))
  expect(users[0]).toContain('a@here.test !$1$')
  await importAccounts(others, users.join('\n').replace('$1$a$b', `$1$abcdefgh$${'c'.repeat(22)}`))
  expect(await others.find('a@here.test')).toMatchObject({
    passwordHash: `$1$abcdefgh$${'c'.repeat(22)}`,
    quota,
    flags,
    variables: new Map(),
  })
})
