import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { memoryStore } from '../testkit/memory-store.ts'
import { greyEntries, importFolder, letIn } from './greylist.ts'

test('a folder of jgreylist takes nothing back that is newer or that an operator said', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-jgreylist-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, '192/000'), { recursive: true })
  const now = Math.floor(Date.now() / 1000)
  for (const name of ['002', '003', '004']) {
    writeFileSync(join(folder, '192/000', name), '')
    utimesSync(join(folder, '192/000', name), now - 60, now - 3600)
  }
  const store = memoryStore(fakeClock())
  const table = (name: string) => store.table(name, { maxEntries: 10 })
  const tables = { keys: table('keys'), clients: table('networks'), good: table('good') }
  const said = [1, 1, letIn]
  const newer = [1, now * 1000, 1]
  await tables.clients.put('192.0.2.0/24', said)
  await tables.keys.put('192.0.3.0/24', newer)
  expect(await importFolder(tables, folder)).toEqual({ taken: 3, left: 0 })
  expect(await tables.clients.get('192.0.2.0/24')).toEqual(said)
  expect(await tables.keys.get('192.0.3.0/24')).toEqual(newer)
  expect(await tables.clients.get('192.0.4.0/24')).toEqual([
    (now - 3600) * 1000,
    (now - 60) * 1000,
    1000,
  ])
  await expect(importFolder(tables, join(folder, '192/000/002'))).rejects.toThrow(/folder/)
})

test('a client that is known as a whole is shown once, however it became known', async () => {
  const store = memoryStore(fakeClock())
  const table = (name: string) => store.table(name, { maxEntries: 10 })
  const tables = { keys: table('keys'), clients: table('networks'), good: table('good') }
  await tables.clients.put('192.0.2.0/24', [1, 2, 1000])
  await tables.keys.put('192.0.2.0/24', [1, 2, 1])
  await tables.keys.put('192.0.2.0/24 a@b.test c@d.test', [1, 2, 1])
  await tables.keys.put('192.0.3.0/24', [1, 2, 0])
  const shown = []
  for await (const { table: place, key } of greyEntries(tables)) shown.push(`${place} ${key}`)
  expect(shown).toEqual([
    'clients 192.0.2.0/24',
    'keys 192.0.2.0/24 a@b.test c@d.test',
    'keys 192.0.3.0/24',
  ])
})
