import { describe, expect, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import type { Disk } from '../../runtime/disk.ts'
import { accountOf } from './getpw.ts'

const accounts = new Map(
  ['alias', 'joe', 'joe-smith', 'root', 'Upper', 'wrong'].map((name, index) => [
    name,
    { name, uid: name === 'root' ? 0 : 3000 + index, gid: 3000, home: `/home/${name}` },
  ]),
)
const owned = (name: string): number => (name === 'wrong' ? 1 : (accounts.get(name)?.uid ?? -1))
const disk: Pick<Disk, 'stat'> = {
  stat: async (path) => {
    const name = path.slice('/home/'.length)
    if (!accounts.has(name)) throw new PosternError('NOT_FOUND', path)
    const uid = owned(name)
    const times = { sizeBytes: 0, modifiedAt: 0, inode: 1, links: 2 }
    return { ...times, kind: 'directory', mode: 0o755, uid, gid: uid }
  },
}

async function told(local: string): Promise<string> {
  const { exit, out } = await accountOf(local, {
    disk,
    accounts: async (name) => accounts.get(name),
  })
  return exit === 0 ? out.replaceAll('\0', '|') : String(exit)
}

describe('postern getpw', () => {
  test('gives a local part to the longest account in it', async () => {
    expect(await told('joe')).toBe('joe|3001|3000|/home/joe|||')
    expect(await told('joe-a-b')).toBe('joe|3001|3000|/home/joe|-|a-b|')
    expect(await told('joe-smith-x')).toBe('joe-smith|3002|3000|/home/joe-smith|-|x|')
    expect(await told('JOE')).toBe('joe|3001|3000|/home/joe|||')
  })

  test('gives to alias what is for root, for names with capitals, for homes of others, for nobody', async () => {
    for (const local of ['root', 'Upper', 'wrong', 'No-Body', `${'x'.repeat(40)}`]) {
      expect(await told(local)).toBe(`alias|3000|3000|/home/alias|-|${local}|`)
    }
  })

  test('ends with 116 where there is no alias, with 100 where nothing is asked', async () => {
    const nobody = { disk, accounts: async () => undefined }
    expect(await accountOf('joe', nobody)).toEqual({ exit: 116, out: '', err: '' })
    expect(await accountOf(undefined, nobody)).toEqual({ exit: 100, out: '', err: '' })
  })
})
