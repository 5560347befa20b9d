import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeOwnFile } from './own-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-own-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a file is made for its owner alone, and one that is there stays', () => {
  const path = join(folder, 'a/b/file')
  makeOwnFile(path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  writeFileSync(path, 'text')
  makeOwnFile(path)
  expect(readFileSync(path, 'utf8')).toBe('text')
})

test.skipIf(process.getuid?.() !== 0)(
  'made by root it is the folder’s owner’s, and a link leads nowhere (skipped for others than root)',
  () => {
    const own = join(folder, 'own')
    mkdirSync(own)
    chownSync(own, 8200, 8201)
    makeOwnFile(join(own, 'file'))
    expect(statSync(join(own, 'file'))).toMatchObject({ uid: 8200, gid: 8201 })
    symlinkSync(join(folder, 'elsewhere'), join(own, 'link'))
    makeOwnFile(join(own, 'link'))
    expect(() => statSync(join(folder, 'elsewhere'))).toThrow('ENOENT')
  },
)
