import { expect, test } from 'vitest'
import { readAuthRecord, type AuthRecord, type Jobs } from 'postern/plugin'
import { fakeClock } from 'postern/testkit'
import { LoginCheck } from './login-check.ts'

const md5 = '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'
const sha512 = `$6$rounds=1000$saltsalt$${'.'.repeat(86)}`

/** Every password fits; what was computed is kept. */
function checked(others: readonly string[] = ['*', 'none', md5]) {
  const computed: string[] = []
  const clients: (string | undefined)[] = []
  const jobs: Jobs = {
    async run<Input, Output>(
      _module: URL,
      input: Input,
      _signal: AbortSignal,
      whose?: string,
    ): Promise<Output> {
      computed.push(JSON.parse(JSON.stringify(input)).hash)
      clients.push(whose)
      return JSON.parse('true')
    },
    close: () => Promise.resolve(),
  }
  const clock = fakeClock()
  const logins = new LoginCheck({ clock, jobs })
  const source = {}
  const texts = [...others]
  return {
    computed,
    clients,
    clock,
    texts,
    check: (text?: string, user = 'somebody', address = '192.0.2.7') =>
      logins.check(
        {
          source,
          record: text === undefined ? undefined : record(text),
          user,
          password: 'secret',
          address,
          others: () => texts.map(record),
        },
        new AbortController().signal,
      ),
  }
}
const record = (text: string): AuthRecord => readAuthRecord(Buffer.from(text))

test('whoever cannot log in is held against a hash that others have', async () => {
  const { check, computed } = checked()
  expect(await check()).toBe('unknown user')
  expect(await check('*')).toBe('bad password')
  expect(await check('none')).toBe('bad password')
  expect(computed).toEqual([md5, md5, md5])
})

test('a password is checked in the turn of its client’s network', async () => {
  const { check, clients } = checked()
  await check(md5)
  await check(md5, 'somebody', '2001:db8::7')
  await check(md5, 'somebody', '')
  expect(clients).toEqual(['192.0.2.0/24', '2001:db8::/64', 'local'])
})

test('a password is checked in the turn of its client’s network', async () => {
  const { check, clients } = checked()
  await check(md5)
  await check(md5, 'somebody', '2001:db8::7')
  await check(md5, 'somebody', '')
  expect(clients).toEqual(['192.0.2.0/24', '2001:db8::/64', 'local'])
})

test('where nobody has a hash, strangers are held against one all the same', async () => {
  const { check, computed } = checked([])
  expect(await check()).toBe('unknown user')
  expect(computed).toEqual([expect.stringMatching(/^\$6\$/)])
})

test('where hashes differ, strangers differ as users do, and each is the same every time', async () => {
  const { check, computed } = checked([md5, sha512, sha512, sha512])
  const names = Array.from({ length: 400 }, (_, index) => `user${index}`)
  for (const name of names) await check(undefined, name)
  const first = computed.splice(0)
  for (const name of names) await check(undefined, name)
  expect(computed).toEqual(first)
  const slow = first.filter((hash) => hash === sha512).length
  expect(slow).toBeGreaterThan(260)
  expect(slow).toBeLessThan(340)
})

test('hashes that came later are known within an hour', async () => {
  const { check, computed, clock, texts } = checked()
  await check()
  texts.splice(0, texts.length, sha512)
  await check()
  clock.advance(3_600_000)
  await check()
  expect(computed).toEqual([md5, md5, sha512])
})

test('an expired password is told only to who knows it', async () => {
  const { check, computed } = checked()
  expect(await check(`${md5},PASSWORD_EXPIRES="1000"`)).toBe('password expired')
  expect(await check(`${md5},PASSWORD_EXPIRES="soon"`)).toBe('bad password')
  expect(await check(`${md5},PASSWORD_EXPIRES="99999999999"`)).toBeUndefined()
  expect(computed).toHaveLength(3)
})
