import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  exchangeableByOthersThanRoot,
  writableByAccount,
  writableByOthersThanRoot,
} from './root-owned.ts'

/** Only root can make files that are root's. */
describe.skipIf(process.getuid?.() !== 0)('a file of root’s (skipped for others than root)', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-owned-'))
    mkdirSync(join(folder, 'inner'))
    file = join(folder, 'inner/file')
    writeFileSync(file, '')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('is nobody else’s, in folders of root’s below one with the sticky bit', () => {
    expect(writableByOthersThanRoot(file)).toBeUndefined()
    expect(writableByOthersThanRoot(join(folder, 'inner/missing/file'))).toBeUndefined()
  })

  test.each([
    ['belongs to another', () => chownSync(file, 8200, 0), 'inner/file'],
    ['may be written by its group', () => chmodSync(file, 0o664), 'inner/file'],
    ['may be written by everybody', () => chmodSync(file, 0o646), 'inner/file'],
    ['lies in a folder of another', () => chownSync(join(folder, 'inner'), 8200, 0), 'inner'],
    ['lies in a folder that all write', () => chmodSync(join(folder, 'inner'), 0o777), 'inner'],
    ['lies below a folder of another', () => chownSync(folder, 8200, 0), ''],
  ])('is somebody else’s where it %s', (_, change, path) => {
    change()
    expect(writableByOthersThanRoot(file)).toBe(join(folder, path))
  })

  test('is somebody else’s where a link leads to a place that others write', () => {
    const link = join(folder, 'link')
    symlinkSync(join(folder, 'inner'), link)
    chownSync(join(folder, 'inner'), 8200, 0)
    expect(writableByOthersThanRoot(join(link, 'file'))).toBe(join(folder, 'inner'))
  })

  test('is somebody else’s where a link on the way lies in a folder of another, wherever it leads', () => {
    const theirs = join(folder, 'theirs')
    mkdirSync(theirs)
    chownSync(theirs, 8200, 0)
    symlinkSync(join(folder, 'inner'), join(theirs, 'link'))
    expect(writableByOthersThanRoot(join(theirs, 'link/file'))).toBe(theirs)
    symlinkSync('theirs/link/file', join(folder, 'farther'))
    expect(writableByOthersThanRoot(join(folder, 'farther'))).toBe(theirs)
  })

  test('is somebody else’s where a link on the way is another’s, or never ends', () => {
    const link = join(folder, 'link')
    symlinkSync('inner/../inner/./file', link)
    expect(writableByOthersThanRoot(link)).toBeUndefined()
    lchownSync(link, 8200, 0)
    expect(writableByOthersThanRoot(link)).toBe(link)
    symlinkSync('around', join(folder, 'around'))
    expect(writableByOthersThanRoot(join(folder, 'around'))).toBe(join(folder, 'around'))
  })

  test('can be exchanged by nobody else where only what it is itself is another’s', () => {
    const inner = join(folder, 'inner')
    chownSync(inner, 8200, 0)
    expect(exchangeableByOthersThanRoot(inner)).toBeUndefined()
    expect(exchangeableByOthersThanRoot(file)).toBe(inner)
  })

  test('is an account’s where it owns it, or its group may write it, or everybody', () => {
    const account = { uid: 8200, gid: 8201 }
    const changed = (): string | undefined => writableByAccount(file, account)
    expect(changed()).toBeUndefined()
    chownSync(file, 8300, 8301)
    expect(changed()).toBeUndefined()
    chmodSync(file, 0o664)
    expect(changed()).toBeUndefined()
    chownSync(file, 8300, 8201)
    expect(changed()).toBe(file)
    chownSync(join(folder, 'inner'), 8200, 0)
    expect(changed()).toBe(join(folder, 'inner'))
    chownSync(join(folder, 'inner'), 0, 0)
    chmodSync(file, 0o646)
    expect(changed()).toBe(file)
  })
})
