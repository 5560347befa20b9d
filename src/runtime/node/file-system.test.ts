import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { fileSystemOf } from './file-system.ts'

test('a folder lies on some file system, with some room', async () => {
  const found = await fileSystemOf(tmpdir())
  expect(found?.freeBytes).toBeGreaterThan(0)
  expect(['disk', 'memory', 'overlay', 'network', 'user']).toContain(found?.kind)
})

test('a folder that is not there lies on none', async () => {
  expect(await fileSystemOf('/no/such/folder')).toBeUndefined()
})
