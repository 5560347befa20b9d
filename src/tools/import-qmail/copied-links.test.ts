import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { latin1 } from '../../formats/octets.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { planQmailImport } from './plan.ts'

const roots: string[] = []

afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true })
})

const request = {
  disk: systemDisk,
  scripts: [],
  shiftPorts: 0,
  pluginFolder: '/plugins',
  state: '../var',
  inPlace: false,
}

describe('symbolic links in a copy', () => {
  async function copied(
    tree: string,
    links: Readonly<Record<string, string>>,
    followOutside = false,
  ) {
    const root = await mkdtemp(join(tmpdir(), 'postern-import-'))
    roots.push(root)
    for (const folder of ['etc/qmail', join(tree, 'alias')]) {
      // oxlint-disable-next-line no-await-in-loop -- two folders
      await mkdir(join(root, folder), { recursive: true })
    }
    await writeFile(join(root, 'etc/qmail/me'), 'mx.example\n')
    await writeFile(join(root, 'etc/qmail/rcpthosts'), 'copied.example\n')
    for (const [path, target] of Object.entries(links)) {
      // oxlint-disable-next-line no-await-in-loop -- a few links
      await symlink(target.replace('ROOT', root), join(root, path))
    }
    const planned = { ...request, tree: join(root, tree), followOutside }
    const { files, facts } = await planQmailImport(planned)
    return { root, facts, rcpthosts: latin1(files.get('control/rcpthosts') ?? new Uint8Array()) }
  }

  test.each([
    ['absolute', { 'var/qmail/control': '/etc/qmail' }],
    ['relative', { 'var/qmail/control': '../../etc/qmail' }],
    ['that climb above its root', { 'var/qmail/control': '../../../../../../../etc/qmail' }],
    ['to links', { 'etc/was': 'qmail', 'var/qmail/control': '/etc/was' }],
  ])('lead where they led in its place: %s', async (_, links) => {
    expect((await copied('var/qmail', links)).rcpthosts).toBe('copied.example\n')
  })

  test('that lead to each other lead nowhere', async () => {
    const { facts } = await copied('var/qmail', {
      'etc/a': 'b',
      'etc/b': 'a',
      'var/qmail/control': '/etc/a',
    })
    expect(facts.map(({ what }) => what)).toContain('control/me is missing')
    expect(facts).toContainEqual(expect.objectContaining({ what: 'links without an end' }))
  })

  test('may be forty, one behind the other; the next one is told and not followed', async () => {
    const links = (count: number): Readonly<Record<string, string>> => ({
      ...Object.fromEntries(
        Array.from({ length: count - 1 }, (_, at) => [
          `etc/l${at}`,
          at === 0 ? 'qmail' : `l${at - 1}`,
        ]),
      ),
      'var/qmail/control': `/etc/l${count - 2}`,
    })
    const most = await copied('var/qmail', links(40))
    expect(most.rcpthosts).toBe('copied.example\n')
    expect(most.facts.map(({ what }) => what)).not.toContain('links without an end')
    const { facts, rcpthosts, root } = await copied('var/qmail', links(41))
    expect(rcpthosts).toBe('')
    expect(facts.filter(({ what }) => what === 'links without an end')).toMatchObject([
      { outcome: 'unsupported', source: join(root, 'etc/l0') },
    ])
  })

  test('that lead to its very top lead out of nothing', async () => {
    const links = { 'qmail/here': '/var/qmail', 'qmail/control': 'here/alias' }
    const { facts } = await copied('qmail', links)
    expect(facts.filter(({ what }) => what.startsWith('a link to'))).toEqual([])
  })

  test.each([
    [false, 'dangerous', ''],
    [true, 'difference', 'copied.example\n'],
  ])(
    'that lead to what it does not have are read on this host only where that is wanted: %s',
    async (isWanted, outcome, read) => {
      const links = { 'qmail/control': 'ROOT/etc/qmail' }
      const { root, facts, rcpthosts } = await copied('qmail', links, isWanted)
      // Such a copy has no place for /service and /etc, either.
      expect(facts.map(({ what }) => what)).toContain(`what lies outside of ${root}/qmail`)
      const link = facts.find(({ source }) => source === join(root, 'qmail/control'))
      expect(link).toMatchObject({ outcome, what: `a link to ${root}/etc/qmail` })
      expect(rcpthosts).toBe(read)
    },
  )

  test('of a vpopmail make no users of the passwords of this host', async () => {
    const root = await mkdtemp(join(tmpdir(), 'postern-import-'))
    roots.push(root)
    const tree = join(root, 'var/qmail')
    const domain = join(root, 'home/vpopmail/domains/example.org')
    await mkdir(join(tree, 'users'), { recursive: true })
    await mkdir(domain, { recursive: true })
    const assign = '+example.org-:example.org:89:89:/home/vpopmail/domains/example.org:-::\n.\n'
    await writeFile(join(tree, 'users/assign'), assign)
    await symlink('/etc/passwd', join(domain, 'vpasswd'))
    const { vpopmail } = await planQmailImport({ ...request, tree })
    expect(vpopmail?.plan).toMatchObject({ domains: [{ name: 'example.org' }], users: [] })
  })
})
