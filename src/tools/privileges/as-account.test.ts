import { describe, expect, test } from 'vitest'
import type { Account } from '../../delivery/local/passwd.ts'
import { PosternError } from '../../mail/errors.ts'
import type { FileStat } from '../../runtime/disk.ts'
import { accountOfFolders } from './as-account.ts'

const spool = { path: '/var/lib/postern/spool' }
const postern: Account = { name: 'postern', uid: 990, gid: 991, home: '/var/lib/postern' }

const host = (account?: Account) => async () => ({
  find: async (name: string) => (name === account?.name ? account : undefined),
  knows: async (name: string) => name === account?.name,
  withUid: async (uid: number) => (uid === account?.uid ? account : undefined),
})

/** @param owner of the spool; absent: it is not there */
const disk = (owner?: number, group = (owner ?? 0) + 1) => ({
  async statName(path: string): Promise<FileStat> {
    if (owner === undefined) throw new PosternError('NOT_FOUND', path)
    const about = { kind: 'directory', mode: 0o711, sizeBytes: 0, modifiedAt: 0 } as const
    return { ...about, inode: 1, links: 1, uid: owner, gid: group }
  },
})

describe('a command of root’s works', () => {
  test.each<
    readonly [
      string,
      string | undefined,
      Account | undefined,
      number | undefined,
      number | undefined,
    ]
  >([
    ['as the account that root starts the gateway as', undefined, postern, undefined, 990],
    ['as the account, though the spool is still root’s', undefined, postern, 0, 990],
    ['as whoever the spool belongs to', undefined, postern, 1000, 1000],
    ['as whoever the spool belongs to, where root would stay root', 'root', undefined, 1000, 1000],
    ['as numbers', '8200:8201', undefined, undefined, 8200],
    ['as root where there is no account', undefined, undefined, 0, undefined],
    ['as root where it is told so', 'root', postern, 0, undefined],
  ])('%s', async (_, user, account, owner, expected) => {
    const found = await accountOfFolders({ user, spool }, host(account), disk(owner))
    expect(found?.account.uid).toBe(expected)
  })

  test.each<
    readonly [string, string | undefined, Account | undefined, number, readonly [number, number]]
  >([
    ['the account', undefined, postern, 990, [990, 991]],
    ['numbers that are named', '990:995', undefined, 990, [990, 995]],
    ['an account that is not named', undefined, { ...postern, name: 'mail' }, 990, [990, 991]],
    ['the spool, where its owner has no name', undefined, undefined, 990, [990, 1234]],
  ])(
    'in the group of %s, whatever group the spool has',
    async (_, user, account, uid, expected) => {
      const found = await accountOfFolders({ user, spool }, host(account), disk(uid, 1234))
      expect([found?.account.uid, found?.account.gid]).toEqual(expected)
    },
  )

  test('not at all where the account is missing, or is root', async () => {
    for (const user of ['nobody-here', '0:0']) {
      await expect(accountOfFolders({ user, spool }, host(), disk())).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
      })
    }
  })
})
