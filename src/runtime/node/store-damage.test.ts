/** What ails the store's file, at the start and at work: mail goes on, and nothing is thrown away. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { openOrReplace } from './database-file.ts'
import { openStore, type NodeStore } from './store.ts'
import { StoreFile } from './store-file.ts'
import type { StoreNews } from './store-protocol.ts'

let folder = ''
let path = ''
let monotonic = 0
let due: (() => void)[] = []
const now = 1_800_000_000_000
const clock: Clock = {
  now: () => now,
  monotonicMs: () => monotonic,
  after(_, callback) {
    due.push(callback)
    return { cancel: () => void (due = due.filter((each) => each !== callback)) }
  },
}
const logged: string[] = []
const keep = (event: string): void => void logged.push(event)
const log: Log = { debug: keep, info: keep, warn: keep, error: keep }
const stores: NodeStore[] = []
const bounds = { maxEntries: 100_000 }

async function open(visits = false): Promise<NodeStore> {
  const store = await openStore({ path, clock, log, visits })
  stores.push(store)
  return store
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-store-'))
  path = join(folder, 'store.db')
  logged.length = 0
  due = []
})

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
  rmSync(folder, { recursive: true, force: true })
})

const aside = (): readonly string[] =>
  readdirSync(folder).filter((name) => name.includes('.damaged-'))

/** A store with so much in it that most of its pages can be broken. */
async function filled(): Promise<NodeStore> {
  const store = await open()
  const table = store.table('things', bounds)
  for (let n = 0; n < 3000; n++) table.putLater(`key${n}`, 'x'.repeat(500))
  await table.put('last', 1)
  return store
}

/** All but the header, which is what a start looks at. */
function breakPages(): void {
  const copy = new DatabaseSync(path)
  copy.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  copy.close()
  const bytes = openSync(path, 'r+')
  writeSync(bytes, Buffer.alloc(statSync(path).size - 4096, 0xff), 0, undefined, 4096)
  closeSync(bytes)
}

describe('a store that breaks at work', () => {
  test('is set aside, and what it was asked is answered from a new one', async () => {
    const table = (await filled()).table('things', bounds)
    breakPages()
    expect(await table.get('key2500')).toBeUndefined()
    await table.put('key', 1)
    expect(await table.get('key')).toBe(1)
    expect(aside().filter((name) => !/-(?:wal|shm)$/.test(name))).toHaveLength(1)
    expect(logged).toEqual(['store.set-aside', 'store.begun-anew'])
  })

  test('whoever can write down again what it held is told', async () => {
    const store = await filled()
    let told = 0
    store.onBegun?.(() => (told += 1))
    breakPages()
    await store.table('things', bounds).get('key2500')
    expect(told).toBe(1)
  })

  test('is followed by the other workers to the new file', async () => {
    const [one, other] = [await filled(), await open()]
    await other.table('things', bounds).get('key1')
    breakPages()
    await one.table('things', bounds).get('key2500')
    await one.table('things', bounds).put('seen', 1)
    expect(await other.table('things', bounds).get('seen')).toBe(1)
  })

  test('that was removed is begun anew, folder and all', async () => {
    path = join(folder, 'var/store.db')
    const table = (await open()).table('things', bounds)
    await table.put('key', 1)
    rmSync(join(folder, 'var'), { recursive: true })
    await table.put('key', 2)
    expect(await (await open()).table('things', bounds).get('key')).toBe(2)
    expect(logged).toEqual(['store.begun-anew'])
  })
})

describe('a store that cannot be opened', () => {
  test('fails what it is asked, and nothing else: the gateway starts', async () => {
    mkdirSync(path)
    const store = await open()
    await expect(store.table('things', bounds).get('key')).rejects.toMatchObject({
      code: 'STORE_FAILED',
    })
    expect(store.trouble).toContain('unable to open')
    expect(logged).toEqual(['store.failed'])
  })

  test('says so again only after a minute', async () => {
    mkdirSync(path)
    const table = (await open()).table('things', bounds)
    for (const at of [0, 59_000, 61_000]) {
      monotonic = at
      await table.get('key').catch(() => undefined)
    }
    expect(logged).toEqual(['store.failed', 'store.failed'])
  })

  test('is opened by itself once it can be', async () => {
    mkdirSync(path)
    const store = await open()
    rmdirSync(path)
    for (const each of due.splice(0)) each()
    for (const each of due.splice(0)) each()
    await store.table('things', bounds).get('key')
    expect(store.trouble).toBeUndefined()
    expect(logged).toEqual(['store.failed', 'store.recovered'])
  })

  test('is an error for a visitor, who sets nothing aside', async () => {
    writeFileSync(path, 'these are not the bytes of a database'.repeat(100))
    await expect(open(true)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(aside()).toEqual([])
  })

  test('because it is closed to us is set aside, and a new one begun', () => {
    new DatabaseSync(path).exec('CREATE TABLE others (x)')
    chmodSync(path, 0)
    chmodSync(folder, 0o777)
    const program = `
      import { StoreFile } from ${JSON.stringify(fileURLToPath(new URL('store-file.ts', import.meta.url)))}
      const file = new StoreFile(${JSON.stringify(path)}, (news) => console.log(JSON.stringify(news)))
      file.open(${now})`
    const root = process.getuid?.() === 0
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      ...(root ? { uid: 65_534, gid: 65_534, cwd: '/' } : {}),
    })
    expect(JSON.parse(said)).toEqual({ damaged: `${path}.damaged-${now}`, begun: true })
  })
})

describe('damaged files', () => {
  test('of which another cannot take the place are named all the same', () => {
    writeFileSync(path, 'not a database')
    const failures = [Object.assign(new Error('no database'), { errcode: 26 }), new Error('full')]
    const open = () => {
      throw failures.shift()
    }
    expect(() => openOrReplace({ path, keeps: 5 }, now, open)).toThrow(
      `Error: full; what lay there is ${path}.damaged-${now} now`,
    )
    expect(aside()).toEqual([`store.db.damaged-${now}`])
  })

  const news: StoreNews[] = []
  const damageAt = (at: number): void => {
    writeFileSync(path, `not a database ${at}`.repeat(100))
    const file = new StoreFile(path, (each) => void news.push(each))
    file.open(at)
    file.close()
  }

  test('are kept, the first of them above all, and no more than five', () => {
    for (const at of [1, 2, 3, 4, 5, 6, 7]) damageAt(at)
    expect(aside()).toEqual([1, 2, 3, 4, 7].map((at) => `store.db.damaged-${at}`))
  })
})

/** Why this machine cannot do it; undefined where it can. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may mount'
  const at = mkdtempSync(join(tmpdir(), 'postern-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', at], { stdio: 'ignore' })
    execFileSync('umount', [at])
    return undefined
  } catch {
    return 'this kernel lets us mount nothing'
  } finally {
    rmdirSync(at)
  }
}

const why = obstacle()
describe.skipIf(why !== undefined)(`a full disk${why === undefined ? '' : `: ${why}`}`, () => {
  beforeEach(() => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', folder])
  })
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()))
    execFileSync('umount', [folder])
  })
  const fillUp = (): void => {
    const filler = openSync(join(folder, 'filler'), 'w')
    try {
      for (let n = 0; n < 5000; n++) writeSync(filler, Buffer.alloc(4096, 1))
    } catch {
      // As meant.
    } finally {
      closeSync(filler)
    }
  }
  const write = async (store: NodeStore, size = 50_000): Promise<unknown> =>
    store
      .table('things', bounds)
      .put('big', 'x'.repeat(size))
      .catch((error: unknown) => error)

  test('fails what is written, and what is known is still answered', async () => {
    const store = await open()
    const table = store.table('things', bounds)
    await table.put('known', 1)
    fillUp()
    const [failure, known] = await Promise.all([write(store, 800_000), table.get('known')])
    expect(failure).toMatchObject({ code: 'STORE_FAILED' })
    expect(known).toBe(1)
  })

  test('is over when there is room again, without a restart', async () => {
    const store = await open()
    fillUp()
    await write(store, 800_000)
    rmSync(join(folder, 'filler'))
    expect(await write(store)).toBeUndefined()
    expect(logged).toEqual(['store.failed', 'store.recovered'])
  })

  test('at the start does not keep the gateway from starting, and nothing is set aside', async () => {
    fillUp()
    const store = await open()
    expect(await write(store)).toMatchObject({ code: 'STORE_FAILED' })
    rmSync(join(folder, 'filler'))
    expect(await write(store)).toBeUndefined()
    expect(aside()).toEqual([])
  })
})
