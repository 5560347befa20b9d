import { expect, test } from 'vitest'
import { isPasswordOfHash } from '../formats/crypt-hash/crypt-hash.ts'
import { parseScramSecret } from '../formats/scram-secret.ts'
import { isPasswordOf } from '../mail/login-secret.ts'
import type { Account } from '../runtime/accounts.ts'
import { memoryAccounts } from '../testkit/memory-accounts.ts'
import {
  accountLine,
  allAccounts,
  checkName,
  dovecotLine,
  importAccounts,
  passwordKept,
  passwordProblem,
} from './user-accounts.ts'

const md5 = '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'

test('of a password two things are kept, neither of which is it', async () => {
  const { passwordHash, scram = '' } = await passwordKept('pass wörd')
  expect(isPasswordOfHash(Buffer.from('pass wörd'), passwordHash)).toBe(true)
  expect(await isPasswordOf(parseScramSecret(scram)!, 'pass wörd')).toBe(true)
  expect(passwordHash + scram).not.toContain('wörd')
  expect((await passwordKept('pass wörd')).passwordHash).not.toBe(passwordHash)
})

test.each([
  ['', 'the password is empty'],
  ['a\0b', 'the password holds a NUL'],
  ['ü'.repeat(257), 'the password is longer than 512 bytes'],
  ['x', undefined],
])('of %j is said: %s', (password, problem) => {
  expect(passwordProblem(password)).toBe(problem)
})

test('what holds blanks can be nobody', () => {
  expect(() => checkName('two words')).toThrow('cannot be a user')
  expect(() => checkName('alice@example.org')).not.toThrow()
})

test('what is exported comes in again as it was', async () => {
  const accounts = memoryAccounts()
  for (let n = 0; n < 1200; n++) {
    await accounts.add({
      user: `user${n}@example.org`,
      passwordHash: md5,
      variables: new Map([['A', `"${n}", '`]]),
      expiresAt: 1_800_000_000_000,
      scram: 'SCRAM-SHA-256$…',
    })
  }
  const lines = await Array.fromAsync(allAccounts(accounts), (account) => accountLine(account))
  expect(lines).toHaveLength(1200)
  const others = memoryAccounts([
    { user: 'USER0@example.org', passwordHash: '*', variables: new Map() },
  ])
  expect(await importAccounts(others, lines.join('\n'))).toEqual({
    added: 1199,
    changed: 1,
    mistakes: [],
  })
  expect(await others.find('user0@example.org')).toEqual(await accounts.find('user0@example.org'))
})

test('lines that would let nobody in are left out and told, unless they are locked', async () => {
  const accounts = memoryAccounts()
  const text = `alice ${md5},PASSWORD_EXPIRES="soon"\nbob secret\ncarol\ndave *\n`
  const { added, mistakes } = await importAccounts(accounts, text)
  expect(added).toBe(1)
  expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual(['line 1', 'line 2', 'line 3'])
  expect(await accounts.find('dave')).toMatchObject({ passwordHash: '*' })
})

test('Dovecot reads the same passwords, of those who may log in', async () => {
  const of = (passwordHash: string, more: Partial<Account> = {}): string | undefined =>
    dovecotLine({ user: 'a@example.org', passwordHash, variables: new Map(), ...more }, 1000)
  const { passwordHash } = await passwordKept('pass wörd')
  expect(of(passwordHash)).toBe(`a@example.org:{ARGON2ID}${passwordHash}`)
  expect(of(md5)).toBe(`a@example.org:{CRYPT}${md5}`)
  expect(of(md5, { flags: new Set(['no-login']) })).toBeUndefined()
  expect(of(md5, { flags: new Set(['no-mail']), expiresAt: 1001 })).toBe(of(md5))
  const unfit = [
    of(md5, { expiresAt: 1000 }),
    of('*'),
    of(md5, { user: 'a:b' }),
    of(`${md5}\nroot`),
  ]
  expect(unfit.filter((line) => line !== undefined)).toEqual([])
})
