import { describe, expect, test } from 'vitest'
import { parseAssign } from '../../formats/assign.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { userDirectory } from './user-directory.ts'

const lines = '=joe:joe:1:1:/home/joe:::\n+joe-:joe:1:1:/home/joe:-:pre-:\n.\n'
const assignments = parseAssign(Buffer.from(lines)).value
const alias = { name: 'alias', uid: 2, gid: 2, home: '/var/qmail/alias' }
const uid = process.getuid?.() ?? 0
const self = { name: 'self', uid, gid: uid, home: '/proc/self' }

const directory = userDirectory({
  disk: systemDisk,
  assignments: () => assignments,
  accounts: async (name) => (name === 'self' ? self : undefined),
  alias: async () => alias,
})

describe('whose mail it is', () => {
  test('says users/assign first, whatever the case of the address', async () => {
    expect(await directory.find('JOE')).toMatchObject({ user: 'joe', dash: '', extension: '' })
  })

  test('says a wildcard, with the rest of the address as it was written', async () => {
    expect(await directory.find('Joe-List-7')).toMatchObject({
      user: 'joe',
      dash: '-',
      extension: 'pre-List-7',
    })
  })

  test.skipIf(uid === 0)('says an account of the host that owns its home', async () => {
    expect(await directory.find('self-x')).toMatchObject({ user: 'self', extension: 'x' })
  })

  test('is alias for everybody else', async () => {
    expect(await directory.find('Somebody-Else')).toMatchObject({
      user: 'alias',
      dash: '-',
      extension: 'Somebody-Else',
    })
  })
})
