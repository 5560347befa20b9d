import { describe, expect, test } from 'vitest'
import { gatewayAccount, staysRoot } from './gateway-account.ts'

const passwd = (text: string) => ({ readFile: async () => Buffer.from(text) })
const usual = 'root:x:0:0::/root:/bin/sh\npostern:x:990:991::/var/lib/postern:/bin/false\n'

describe('a gateway that root starts', () => {
  test.each([
    ['is told to', 'root', usual, true],
    ['has nobody named and no usual account', undefined, 'posternd:x:1:1::/:\n', true],
    ['has the usual account', undefined, usual, false],
    ['has a usual account that cannot be used', undefined, 'postern:x:990:991\n', false],
    ['has somebody named', 'mail', usual, false],
    ['has somebody named who is not there', 'nobody-here', '', false],
    ['has numbers named', '8200:8201', '', false],
  ])('stays root or not where it %s', async (_, user, text, stays) => {
    expect(await staysRoot(user, passwd(text))).toBe(stays)
  })

  test('takes a name that looks like a number for a name', async () => {
    expect(await gatewayAccount('990', passwd(usual))).toBeUndefined()
    expect(await gatewayAccount('990:991', passwd(''))).toMatchObject({ uid: 990, gid: 991 })
    expect(await gatewayAccount('postern', passwd(usual))).toMatchObject({ uid: 990, gid: 991 })
  })
})
