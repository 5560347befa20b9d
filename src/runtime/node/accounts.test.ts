import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { isAccountName, type Account } from '../accounts.ts'
import type { MailDomain } from '../../mail/mail-domain.ts'
import { nodeAccounts } from './accounts.ts'

const root = mkdtempSync(join(tmpdir(), 'postern-accounts-'))
afterAll(() => rmSync(root, { recursive: true }))

let path = ''
let count = 0
beforeEach(() => {
  path = join(root, `${++count}`, 'accounts.db')
})
const clock = fakeClock()
const made = (file: string): string => {
  mkdirSync(dirname(file), { recursive: true })
  return file
}
const opened = () => nodeAccounts({ path, clock })
const accountOf = (user: string, more: Partial<Account> = {}): Account => ({
  user,
  passwordHash: '$6$x',
  variables: new Map(),
  ...more,
})

test('without a file there is nobody, and asking makes none', async () => {
  const accounts = opened()
  expect(await accounts.find('alice')).toBeUndefined()
  expect(await accounts.list({ limit: 10 })).toEqual([])
  expect(await accounts.remove('alice')).toBe(false)
  expect(await accounts.change(accountOf('alice'))).toBe(false)
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  await accounts.close()
})

test('an account is kept as it was given, and found however its name is written', async () => {
  const accounts = opened()
  const variables = new Map([['DATABYTES', '0']])
  const alice = accountOf('Alice@Example.org', { scram: 'SCRAM-…', variables, expiresAt: 12 })
  expect(await accounts.add(alice)).toBe(true)
  expect(await accounts.find('ALICE@example.ORG')).toEqual({
    ...alice,
    user: 'alice@example.org',
    createdAt: clock.now(),
    changedAt: clock.now(),
  })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  await accounts.close()
})

test('an account of a domain in another script is found by its U-labels and by its A-labels', async () => {
  const accounts = opened()
  await accounts.add(accountOf('Eva@Bücher.example'))
  const user = 'eva@xn--bcher-kva.example'
  for (const name of ['eva@BÜCHER.example', user]) {
    expect(accounts.find(name)).toMatchObject({ user })
  }
  const domain = 'xn--bcher-kva.example'
  expect(accounts.list({ limit: 9, domain })).toMatchObject([{ user }])
  await accounts.close()
})

test('there is one account for a user, which is changed and removed', async () => {
  const accounts = opened()
  await accounts.add(accountOf('alice', { scram: 'old' }))
  expect(await accounts.add(accountOf('ALICE', { passwordHash: 'other' }))).toBe(false)
  clock.advance(1000)
  expect(await accounts.change(accountOf('alice', { passwordHash: 'new' }))).toBe(true)
  const alice = await accounts.find('alice')
  expect(alice).toMatchObject({ passwordHash: 'new', changedAt: clock.now() })
  expect(alice?.createdAt).toBe(clock.now() - 1000)
  expect(alice).not.toHaveProperty('scram')
  expect(await accounts.remove('Alice')).toBe(true)
  expect(await accounts.find('alice')).toBeUndefined()
  await accounts.close()
})

test('they are listed in order, so many at a time', async () => {
  const accounts = opened()
  for (const user of ['carol', 'alice', 'bob']) await accounts.add(accountOf(user))
  const names = async (after?: string) =>
    (await accounts.list({ limit: 2, ...(after === undefined ? {} : { after }) })).map(
      ({ user }) => user,
    )
  expect(await names()).toEqual(['alice', 'bob'])
  expect(await names('bob')).toEqual(['carol'])
  await accounts.close()
})

const nextTurn = () => new Promise((done) => setImmediate(done))

test('what another process writes is seen in the next turn of the event loop, and so is another file', async () => {
  const [reader, writer] = [opened(), opened()]
  expect(await reader.find('alice')).toBeUndefined()
  await writer.add(accountOf('alice'))
  await nextTurn()
  expect(await reader.find('alice')).toBeDefined()
  await writer.close()

  const other = nodeAccounts({ path: `${path}.other`, clock })
  await other.add(accountOf('bob'))
  await other.close()
  renameSync(`${path}.other`, path)
  await nextTurn()
  expect(await reader.find('alice')).toBeUndefined()
  expect(await reader.find('bob')).toBeDefined()
  await reader.close()
})

test('what was written by a newer version, or is no database, is a failure', async () => {
  const accounts = opened()
  await accounts.add(accountOf('alice'))
  await accounts.close()
  const database = new DatabaseSync(path)
  database.exec('PRAGMA user_version = 1000')
  database.close()
  expect(() => accounts.find('alice')).toThrow('newer version')
  const broken = `${path}.broken`
  writeFileSync(broken, 'this is no database, and never was one'.repeat(100))
  await expect(nodeAccounts({ path: broken, clock }).add(accountOf('x'))).rejects.toMatchObject({
    code: 'ACCOUNTS_FAILED',
  })
})

test('quota and flags of a mailbox are kept, and users are listed by domain', async () => {
  const accounts = opened()
  const quota = { bytes: 1000, messages: 5 }
  const flags = new Set(['no-smtp', 'no-mail'] as const)
  await accounts.add(accountOf('bob@b.test', { quota, flags }))
  await accounts.add(accountOf('amy@a.test'))
  await accounts.add(accountOf('amy@b.test'))
  expect(await accounts.find('bob@b.test')).toMatchObject({ quota, flags })
  expect(await accounts.find('amy@b.test')).not.toHaveProperty('flags')
  const users = await accounts.list({ limit: 9, domain: 'B.test' })
  expect(users.map(({ user }) => user)).toEqual(['amy@b.test', 'bob@b.test'])
  await accounts.close()
})

test('domains and aliases are kept, replaced, listed, and go together', async () => {
  const accounts = opened()
  expect(await accounts.findDomain('b.test')).toBeUndefined()
  expect(await accounts.removeDomain('b.test')).toBe(false)
  const domain: MailDomain = {
    name: 'b.test',
    catchAll: { to: 'bob@b.test' },
    overQuota: 'defer',
    maxUsers: 3,
    maxAliases: 0,
    quota: { bytes: 9 },
    defaultQuota: { messages: 4 },
  }
  await accounts.putDomain(domain)
  await accounts.putDomain({ name: 'a.test', catchAll: 'delete', overQuota: 'reject' })
  expect(await accounts.findDomain('B.TEST')).toEqual(domain)
  const names = (await accounts.listDomains({ limit: 9 })).map(({ name }) => name)
  expect(names).toEqual(['a.test', 'b.test'])

  await accounts.putAlias({ address: 'Team@b.test', targets: ['bob@b.test'] })
  await accounts.putAlias({ address: 'team@b.test', targets: ['bob@b.test', 'x@y.test'] })
  await accounts.putAlias({ address: 'team@a.test', targets: ['amy@a.test'] })
  const team = { address: 'team@b.test', targets: ['bob@b.test', 'x@y.test'] }
  expect(await accounts.findAlias('TEAM@b.test')).toEqual(team)
  expect(await accounts.listAliases({ limit: 9, domain: 'b.test' })).toEqual([team])

  await accounts.add(accountOf('bob@b.test'))
  await accounts.add(accountOf('amy@a.test'))
  await accounts.putDomainAlias({ name: 'C.test', domain: 'b.test' })
  await accounts.putDomainAlias({ name: 'd.test', domain: 'a.test' })
  const alias = { name: 'c.test', domain: 'b.test' }
  expect(await accounts.findDomainAlias('c.TEST')).toEqual(alias)
  expect(await accounts.listDomainAliases({ limit: 9, domain: 'B.test' })).toEqual([alias])
  expect(await accounts.listDomainAliases({ limit: 1, after: 'c.test' })).toMatchObject([
    { name: 'd.test' },
  ])
  expect(await accounts.removeDomain('b.test')).toBe(true)
  expect(await accounts.findDomainAlias('c.test')).toBeUndefined()
  expect(await accounts.removeDomainAlias('D.test')).toBe(true)
  expect(await accounts.removeDomainAlias('d.test')).toBe(false)
  expect(await accounts.find('bob@b.test')).toBeUndefined()
  expect(await accounts.findAlias('team@b.test')).toBeUndefined()
  expect(await accounts.find('amy@a.test')).toBeDefined()
  expect(await accounts.removeAlias('team@a.test')).toBe(true)
  expect(await accounts.removeAlias('team@a.test')).toBe(false)
  await accounts.close()
})

test('a file of the first version is taken on with its accounts', async () => {
  const old = new DatabaseSync(made(path))
  old.exec(`CREATE TABLE accounts (user TEXT PRIMARY KEY, password_hash TEXT NOT NULL, scram TEXT,
    variables TEXT NOT NULL, expires_at INTEGER, created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO accounts VALUES ('amy@a.test', '$6$x', NULL, '[]', NULL, 1, 1), ('joe', '*', NULL, '[]', NULL, 1, 1);
    PRAGMA user_version = 1`)
  old.close()
  const accounts = opened()
  const users = await accounts.list({ limit: 9, domain: 'a.test' })
  expect(users.map(({ user }) => user)).toEqual(['amy@a.test'])
  expect(await accounts.find('joe')).toBeDefined()
  await accounts.close()
})

test.each([
  ['alice', true],
  ['alice@example.org', true],
  ['ünä', true],
  ['', false],
  ['two words', false],
  ['tab\t', false],
  ['nul\0', false],
  ['x'.repeat(321), false],
])('%j can be a user: %s', (user, can) => {
  expect(isAccountName(user)).toBe(can)
})
