import { expect, test } from 'vitest'
import { readAuthRecord, type AuthRecord, type Jobs } from 'postern/plugin'
import { fakeClock } from 'postern/testkit'
import { LoginCheck } from './login-check.ts'

const md5 = '$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'
const sha512 = `$6$rounds=1000$saltsalt$${'.'.repeat(86)}`

/** Every password fits; what was computed is kept. */
function checked() {
  const computed: string[] = []
  const jobs: Jobs = {
    async run<Input, Output>(_module: URL, input: Input): Promise<Output> {
      computed.push(JSON.parse(JSON.stringify(input)).hash)
      return JSON.parse('true')
    },
    close: () => Promise.resolve(),
  }
  const logins = new LoginCheck({ clock: fakeClock(), jobs })
  const source = {}
  const others = (): AuthRecord[] => [record('*'), record('none'), record(md5)]
  return {
    computed,
    check: (text?: string) =>
      logins.check(
        {
          source,
          record: text === undefined ? undefined : record(text),
          password: 'secret',
          others,
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
  expect(await check(sha512)).toBeUndefined()
  expect(await check()).toBe('unknown user')
  expect(computed).toEqual([md5, md5, md5, sha512, sha512])
})

test('an expired password is told only to who knows it', async () => {
  const { check, computed } = checked()
  expect(await check(`${md5},PASSWORD_EXPIRES="1000"`)).toBe('password expired')
  expect(await check(`${md5},PASSWORD_EXPIRES="soon"`)).toBe('bad password')
  expect(await check(`${md5},PASSWORD_EXPIRES="99999999999"`)).toBeUndefined()
  expect(computed).toHaveLength(3)
})
