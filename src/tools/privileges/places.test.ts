import { describe, expect, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import type { FileStat } from '../../runtime/disk.ts'
import { preparePlaces, type Places } from './places.ts'

const account = { name: 'postern', uid: 8200, gid: 8201, home: '/' }
const configuration: Places = {
  folder: '/etc/postern',
  spool: { path: '/var/lib/postern/spool' },
  store: { path: '/var/lib/postern/store.db' },
  accounts: { path: '/var/lib/postern/accounts.db' },
  traces: { path: '/var/lib/postern/traces.db' },
  operator: { folder: '/var/lib/postern/control' },
  tls: { path: '/var/lib/postern/tls' },
  delivery: { local: 'users', maildirs: '/var/lib/postern/mail' },
  log: { outputs: [] },
}

type Found = readonly [uid: number, gid: number, mode: number]
const host: Readonly<Record<string, Found>> = {
  '/': [0, 0, 0o755],
  '/etc': [0, 0, 0o755],
  '/etc/postern': [0, 8201, 0o750],
  '/etc/postern/control': [0, 0, 0o755],
  '/etc/postern/postern.yaml': [0, 8201, 0o640],
  '/var': [0, 0, 0o755],
  '/var/lib': [0, 0, 0o755],
}

async function prepared(more: Readonly<Record<string, Found>>, others?: string) {
  const made: string[] = []
  const there = new Map(Object.entries({ ...host, ...more }))
  const mistakes = await preparePlaces(configuration, account, {
    disk: {
      async stat(path): Promise<FileStat> {
        const found = there.get(path)
        if (found === undefined) throw new PosternError('NOT_FOUND', path)
        const [uid, gid, mode] = found
        const kind = /\.(?:yaml|db)$/.test(path) ? 'file' : 'directory'
        return { uid, gid, mode, kind, sizeBytes: 0, modifiedAt: 0, inode: 1, links: 1 }
      },
    },
    writableByOthers: () => others,
    makeFolderFor(path, { uid, gid }) {
      made.push(path)
      there.set(path, [uid, gid, 0o711])
    },
  })
  return { made, said: mistakes.map(({ file, problem, remedy }) => [file, problem, remedy]) }
}

describe('where root starts the gateway, its folders', () => {
  test('are made as far as they lie in root’s own, and given to the account', async () => {
    expect(await prepared({})).toEqual({ made: ['/var/lib/postern'], said: [] })
  })

  test('are left to the gateway where it owns what is above them', async () => {
    const owned = { '/var/lib/postern': [8200, 8201, 0o711] } as const
    expect(await prepared(owned)).toEqual({ made: [], said: [] })
  })

  test('are not made where others write: they might lead elsewhere', async () => {
    const { made, said } = await prepared({ '/var/lib': [1000, 1000, 0o755] }, '/var/lib')
    expect(made).toEqual([])
    expect(said[0]).toEqual([
      '/var/lib/postern/spool',
      "is missing, and /var/lib is not root's alone",
      'install -d -o postern -m 0711 /var/lib/postern',
    ])
  })

  test('are not made where a link leads to root’s own that others may exchange', async () => {
    const linked = { '/var/lib/postern': [0, 0, 0o755] } as const
    const { made, said } = await prepared(linked, '/srv/theirs')
    expect(made).toEqual([])
    expect(said[0]?.[1]).toBe("is missing, and /srv/theirs is not root's alone")
  })

  test('that belong to root, as do files, are to be given to the account first', async () => {
    const { said } = await prepared({
      '/var/lib/postern': [8200, 8201, 0o711],
      '/var/lib/postern/spool': [0, 0, 0o711],
      '/var/lib/postern/accounts.db': [0, 0, 0o600],
    })
    expect(said.map(([file]) => file)).toEqual([
      '/var/lib/postern/spool',
      '/var/lib/postern/accounts.db',
    ])
    expect(said[0]?.[2]).toContain('chown -R 8200:8201 /var/lib/postern/spool')
  })
})

describe('the configuration', () => {
  test.each<readonly [string, Found]>([
    ['/etc', [0, 0, 0o700]],
    ['/etc/postern', [0, 0, 0o700]],
    ['/etc/postern/control', [0, 0, 0o744]],
    ['/etc/postern/postern.yaml', [0, 0, 0o600]],
  ])('that the account cannot come to by %s keeps it from starting', async (path, found) => {
    const { said } = await prepared({ [path]: found })
    expect(said).toEqual([
      [
        path,
        'cannot be read or entered by postern, as whom the gateway works',
        `chgrp 8201 ${path} and chmod g+rX ${path}`,
      ],
    ])
  })
})
