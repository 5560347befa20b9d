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
  async function copied(tree: string, links: Readonly<Record<string, string>>) {
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
    const { files, facts } = await planQmailImport({ ...request, tree: join(root, tree) })
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
  })

  test('that lead to its very top lead out of nothing', async () => {
    const links = { 'qmail/here': '/var/qmail', 'qmail/control': 'here/alias' }
    const { facts } = await copied('qmail', links)
    expect(facts.filter(({ what }) => what.startsWith('a link to'))).toEqual([])
  })

  test('that lead to what it does not have are told', async () => {
    const { root, facts } = await copied('qmail', { 'qmail/control': 'ROOT/etc/qmail' })
    const link = facts.find(({ source }) => source === join(root, 'qmail/control'))
    expect(link).toMatchObject({ outcome: 'difference', what: `a link to ${root}/etc/qmail` })
  })
})
