import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { buildCdb } from '../formats/cdb-writer.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { configurationResources, type OpenedResources } from './resources.ts'
import { parseTable } from './tables.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

let folder: string
let log: ReturnType<typeof recordingLog>
let resources: OpenedResources

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-tables-'))
  log = recordingLog()
  resources = configurationResources(folder, { disk: systemDisk, log })
})

afterEach(() => {
  resources.close()
  rmSync(folder, { recursive: true })
})

describe('a table', () => {
  test('has keys without regard to case, with values after blanks, without comments', () => {
    const table = parseTable(bytes('# old\nBob@Example.org\n\nalice@example.org  left in May\r\n'))
    expect([...table]).toEqual([
      ['bob@example.org', ''],
      ['alice@example.org', 'left in May'],
    ])
  })

  test('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (input) => {
        for (const [key] of parseTable(input)) expect(key).not.toMatch(/\s/)
      }),
    )
  })

  test('is followed as its file appears, changes and goes', async () => {
    const table = resources.table('revoked')
    const path = join(folder, 'revoked')
    expect(await table.has('a@b')).toBe(false)
    writeFileSync(path, 'a@b\n')
    await vi.waitFor(async () => expect(await table.has('A@B')).toBe(true), { timeout: 30_000 })
    writeFileSync(`${path}.new`, 'c@d moved\n')
    renameSync(`${path}.new`, path)
    await vi.waitFor(async () => expect(await table.get('c@d')).toBe('moved'), { timeout: 30_000 })
    rmSync(path)
    await vi.waitFor(async () => expect(await table.has('c@d')).toBe(false), { timeout: 30_000 })
  })
})

test('what several environments name is opened once, and followed once', () => {
  const watched: string[] = []
  const watch: typeof systemDisk.watch = (path, listener) => {
    watched.push(path)
    return systemDisk.watch(path, listener)
  }
  writeFileSync(join(folder, 'hosts.cdb'), buildCdb([[bytes('one.test'), bytes('1')]]))
  const shared = configurationResources(folder, { disk: { ...systemDisk, watch }, log })
  const both = [shared.cdb('hosts.cdb'), shared.cdb('./hosts.cdb')]
  expect(both[0]).not.toBe(both[1])
  for (const cdb of both) {
    expect([cdb.present, cdb.get('one.test')?.length]).toEqual([true, 1])
    expect([...cdb.entries()]).toHaveLength(1)
  }
  expect(shared.table('names')).toBe(shared.table('names'))
  expect(watched).toEqual(['hosts.cdb', 'names'].map((name) => join(folder, name)))
  shared.close()
  expect(both.map(({ present }) => present)).toEqual([false, false])
})

describe('a cdb', () => {
  const database = (key: string): Uint8Array => buildCdb([[bytes(key), bytes('')]])

  test('is reopened when it is replaced', async () => {
    const path = join(folder, 'hosts.cdb')
    writeFileSync(path, database('one.test'))
    const cdb = resources.cdb('hosts.cdb')
    expect(cdb.get(bytes('one.test'))).toBeDefined()
    writeFileSync(`${path}.new`, database('two.test'))
    renameSync(`${path}.new`, path)
    await vi.waitFor(() => expect(cdb.get(bytes('two.test'))).toBeDefined(), { timeout: 30_000 })
    expect(cdb.get(bytes('one.test'))).toBeUndefined()
  })

  test('that is missing holds nothing; one that is damaged throws and is logged', async () => {
    const cdb = resources.cdb('hosts.cdb')
    expect(cdb.get(bytes('one.test'))).toBeUndefined()
    writeFileSync(join(folder, 'hosts.cdb'), 'not a cdb')
    await vi.waitFor(() => expect(() => cdb.get(bytes('one.test'))).toThrow('cdb'), {
      timeout: 30_000,
    })
    expect(log.events.map(({ event }) => event)).toContain('file.unreadable')
  })
})
