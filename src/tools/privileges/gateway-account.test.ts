import { describe, expect, test } from 'vitest'
import { HostAccounts } from '../../delivery/local/host-accounts.ts'
import { PosternError } from '../../mail/errors.ts'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakePrograms } from '../../testkit/fake-programs.ts'
import { gatewayAccount, staysRoot, type AccountLookUp } from './gateway-account.ts'

/** @param directory what getent(1) says of somebody, where nsswitch.conf names a directory */
function host(
  passwd: string,
  directory?: Readonly<Record<string, string>> | 'down',
): AccountLookUp {
  const files = new Map([['/etc/passwd', passwd]])
  if (directory !== undefined) files.set('/etc/nsswitch.conf', 'passwd: files ldap\n')
  const getent = fakePrograms({
    getent: ({ command }) => {
      const line = directory === 'down' ? undefined : directory?.[command.at(-1) ?? '']
      return line === undefined ? { exit: 2 } : { exit: 0, writes: { 1: line } }
    },
  })
  return new HostAccounts({
    disk: {
      async readFile(path) {
        const text = files.get(path)
        if (text === undefined) throw new PosternError('NOT_FOUND', path)
        return Buffer.from(text)
      },
    },
    clock: fakeClock(),
    programs: directory === 'down' ? fakePrograms() : getent,
  })
}

const root = 'root:x:0:0::/root:/bin/sh\n'
const line = 'postern:x:990:991::/var/lib/postern:/bin/false\n'
const usual = root + line

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
    expect(await staysRoot(user, host(text))).toBe(stays)
  })

  test('takes a name that looks like a number for a name', async () => {
    expect(await gatewayAccount('990', host(usual))).toBeUndefined()
    expect(await gatewayAccount('990:991', host(''))).toMatchObject({ uid: 990, gid: 991 })
    expect(await gatewayAccount('postern', host(usual))).toMatchObject({ uid: 990, gid: 991 })
  })

  test('finds its account where only a directory has it', async () => {
    const ldap = host(root, { postern: line })
    expect(await staysRoot(undefined, ldap)).toBe(false)
    expect(await gatewayAccount('postern', ldap)).toMatchObject({ uid: 990, gid: 991 })
    expect(await gatewayAccount('mail', ldap)).toBeUndefined()
    expect(await staysRoot(undefined, host(root, {}))).toBe(true)
    expect(await staysRoot(undefined, host(root, { postern: 'postern:x:990:991\n' }))).toBe(false)
  })

  test('finds an account by its number, in a directory too', async () => {
    const mail = 'mail:x:8:12::/var/mail:/bin/false\n'
    const ldap = host(usual, { '8': mail })
    expect(await ldap.withUid(990)).toMatchObject({ name: 'postern', gid: 991 })
    expect(await ldap.withUid(8)).toMatchObject({ name: 'mail', gid: 12 })
    expect(await ldap.withUid(9)).toBeUndefined()
    expect(await host(usual).withUid(8)).toBeUndefined()
  })

  test('does not stay root because a directory cannot be asked', async () => {
    const deaf = host(root, 'down')
    await expect(staysRoot(undefined, deaf)).rejects.toMatchObject({ code: 'PROGRAM_FAILED' })
  })
})
