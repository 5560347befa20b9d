import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makePrivateFolder, removeLeftFolders, type PrivateFolder } from './private-folder.ts'

/** Only root has such folders. */
describe.skipIf(process.getuid?.() !== 0)(
  'the folder of a keeper (skipped for others than root)',
  () => {
    const longAgo = new Date(Date.now() - 3_600_000)
    let living: PrivateFolder
    let left: string
    beforeEach(async () => {
      living = await makePrivateFolder()
      left = mkdtempSync(join(tmpdir(), 'postern-keeper-'))
    })
    afterEach(async () => {
      await living.remove()
      rmSync(left, { recursive: true, force: true })
    })

    function age(path: string): void {
      utimesSync(path, longAgo, longAgo)
    }

    test('that was killed is taken away by the next, with what is in it, and that of a living one stays', async () => {
      writeFileSync(join(left, 'lock'), '')
      writeFileSync(join(left, 'deliverer'), '')
      age(left)
      age(living.path)
      await removeLeftFolders(Date.now())
      expect([existsSync(left), existsSync(living.path)]).toEqual([false, true])
    })

    test('is not taken for a left one while it is young', async () => {
      writeFileSync(join(left, 'lock'), '')
      await removeLeftFolders(Date.now())
      expect(existsSync(left)).toBe(true)
    })

    test('is none where it is another’s, whatever its name', async () => {
      const inside = join(left, 'inside')
      mkdirSync(inside)
      writeFileSync(join(left, 'lock'), '')
      chownSync(left, 8200, 8201)
      age(left)
      await removeLeftFolders(Date.now())
      expect(existsSync(inside)).toBe(true)
    })

    test('goes with its keeper', async () => {
      const { path } = living
      expect(existsSync(path)).toBe(true)
      await living.remove()
      expect(existsSync(path)).toBe(false)
    })
  },
)
