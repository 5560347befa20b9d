import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { StoreTable } from '../store.ts'
import { openStore, type NodeStore } from './store.ts'
import { openStoreDatabase } from './store-database.ts'

let folder = ''
let now = 1_800_000_000_000
const clock: Clock = { now: () => now, monotonicMs: () => now, after: () => ({ cancel() {} }) }
const logged: string[] = []
const keep = (event: string): void => void logged.push(event)
const log: Log = { debug: keep, info: keep, warn: keep, error: keep }
const stores: NodeStore[] = []

async function open(name = 'store.db'): Promise<NodeStore> {
  const store = await openStore({ path: join(folder, name), clock, log })
  stores.push(store)
  return store
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-store-'))
  logged.length = 0
})

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
  rmSync(folder, { recursive: true, force: true })
})

const keysOf = async (table: StoreTable, order: 'ascending' | 'descending' = 'ascending') =>
  (await table.scan({ limit: 100, order })).map(({ key }) => key)

describe('the store', () => {
  test('gives back what was put, as JSON', async () => {
    const table = (await open()).table('things', { maxEntries: 10 })
    const value = { text: 'é\n"', list: [1, null, true], deep: { x: [] } }
    await table.put('key', value)
    expect(await table.get('key')).toEqual(value)
    expect(await table.get('other')).toBeUndefined()
    await table.put('key', 2)
    expect(await table.get('key')).toBe(2)
    await table.delete('key')
    expect(await table.get('key')).toBeUndefined()
  })

  test('keeps tables apart', async () => {
    const store = await open()
    await store.table('one', { maxEntries: 10 }).put('key', 1)
    expect(await store.table('two', { maxEntries: 10 }).get('key')).toBeUndefined()
  })

  test('scans a range in either order', async () => {
    const table = (await open()).table('things', { maxEntries: 10 })
    for (const key of ['b', 'd', 'a', 'c']) table.putLater(key, key)
    expect(await keysOf(table)).toEqual(['a', 'b', 'c', 'd'])
    expect(await keysOf(table, 'descending')).toEqual(['d', 'c', 'b', 'a'])
    const range = { from: 'b', to: 'd', limit: 10, order: 'ascending' } as const
    expect((await table.scan(range)).map(({ key }) => key)).toEqual(['b', 'c'])
    expect(await table.scan({ ...range, limit: 1 })).toEqual([{ key: 'b', value: 'b' }])
  })

  test('beyond its bound the entries written longest ago go first', async () => {
    const store = await open()
    const table = store.table('things', { maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) await table.put(key, 1)
    await table.put('a', 2)
    await table.put('d', 1)
    expect(await keysOf(table)).toEqual(['a', 'c', 'd'])
    expect(await store.count?.('things')).toBe(3)
  })

  test('an entry that has expired is not there any more', async () => {
    const table = (await open()).table('things', { maxEntries: 10 })
    await table.put('short', 1, now + 1000)
    await table.put('long', 1)
    expect(await keysOf(table)).toEqual(['long', 'short'])
    now += 1000
    expect(await table.get('short')).toBeUndefined()
    expect(await keysOf(table)).toEqual(['long'])
  })

  test('what was written without waiting is there after a restart', async () => {
    const store = await open()
    const table = store.table('things', { maxEntries: 1000 })
    for (let i = 0; i < 700; i++) table.putLater(`key${i}`, i)
    await store.close()
    const again = (await open()).table('things', { maxEntries: 1000 })
    expect(await again.get('key699')).toBe(699)
  })

  test('writes without an answer are dropped and counted when too many wait', async () => {
    const store = await open()
    const table = store.table('things', { maxEntries: 5 })
    for (let i = 0; i < 8; i++) table.putLater(`key${i}`, i)
    expect(store.dropped).toBe(3)
    expect(await keysOf(table)).toHaveLength(5)
  })

  test('a question that is called off does not wait for the answer', async () => {
    const table = (await open()).table('things', { maxEntries: 5 })
    await expect(table.get('key', AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('a closed store answers with an error', async () => {
    const store = await open()
    const table = store.table('things', { maxEntries: 5 })
    await store.close()
    await expect(table.get('key')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    table.putLater('key', 1)
    expect(store.dropped).toBe(1)
  })
})

describe('the file', () => {
  test('one that is no database is set aside, and a new one begun', async () => {
    writeFileSync(join(folder, 'store.db'), 'these are not the bytes of a database'.repeat(100))
    const table = (await open()).table('things', { maxEntries: 5 })
    await table.put('key', 1)
    expect(await table.get('key')).toBe(1)
    expect(logged).toEqual(['store.set-aside', 'store.begun-anew'])
    expect(readdirSync(folder).some((name) => name.startsWith('store.db.damaged-'))).toBe(true)
  })

  test('one that a newer version wrote is left alone', async () => {
    const path = join(folder, 'store.db')
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    const table = (await open()).table('things', { maxEntries: 5 })
    await expect(table.get('key')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('newer version'),
    })
    expect(readdirSync(folder)).toEqual(['store.db'])
  })

  test('one of version 1 loses its traces, keeps the rest, and says so', async () => {
    const path = join(folder, 'store.db')
    const { database } = openStoreDatabase(path)
    const put = { do: 'put', key: 'k', value: '1', expiresAt: null, maxEntries: 10 } as const
    database.work(
      [
        { ...put, table: 'transactions' },
        { ...put, table: 'grey' },
      ],
      now,
    )
    database.close()
    const old = new DatabaseSync(path)
    old.exec('PRAGMA user_version = 1')
    old.close()
    const store = await open()
    expect(await store.table('grey', { maxEntries: 10 }).get('k')).toBe(1)
    expect(await store.table('transactions', { maxEntries: 10 }).get('k')).toBeUndefined()
    expect(logged).toEqual(['store.upgraded'])
  })

  test('folders on the way to it are made', async () => {
    const table = (await open('deep/er/store.db')).table('things', { maxEntries: 5 })
    await table.put('key', 1)
    expect(await table.get('key')).toBe(1)
  })

  test('its bound holds for all processes together that write to it', () => {
    const path = join(folder, 'store.db')
    const databases = [1, 2, 3].map(() => openStoreDatabase(path).database)
    const put = { do: 'put', table: 't', value: '1', expiresAt: null, maxEntries: 10 } as const
    for (let i = 0; i < 60; i++) databases[i % 3]?.work([{ ...put, key: `${i}` }], now)
    for (const [i, database] of databases.entries()) {
      database.work([{ ...put, key: `later ${i}` }], now + 60_000)
      database.work([{ ...put, key: `later still ${i}` }], now + 60_001)
    }
    const range = { from: null, to: null, limit: 100, order: 'ascending' } as const
    const [result] = databases[0]!.work([{ do: 'scan', table: 't', ...range }], now + 60_002)
    expect(result).toMatchObject({ ok: true, rows: { length: 10 } })
    for (const database of databases) database.close()
  })

  test('expired entries are swept out in the end', () => {
    const { database } = openStoreDatabase(':memory:')
    const put = { do: 'put', table: 't', value: '1', maxEntries: 10 } as const
    database.work([{ ...put, key: 'gone', expiresAt: now + 10 }], now)
    database.work([{ ...put, key: 'stays', expiresAt: null }], now + 120_000)
    // As if the clock went back: what is found now was not swept.
    const scan = {
      do: 'scan',
      table: 't',
      from: null,
      to: null,
      limit: 10,
      order: 'ascending',
    } as const
    expect(database.work([scan], now)).toEqual([{ ok: true, rows: [['stays', '1']] }])
    database.close()
  })
})
