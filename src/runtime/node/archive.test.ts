import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Archive, ArchiveBounds, DescribeRecord } from '../archive.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { openArchiveBeside } from './archive-beside.ts'
import { openArchiveFile, openArchiveForReading } from './archive-file.ts'
import { packTerm } from './archive-index.ts'
import { ArchiveCounter } from './archive-counter.ts'
import { PostingLists } from './archive-lists.ts'
import { postingId } from './archive-segments.ts'
import { ArchiveReader } from './archive-reader.ts'
import { ArchiveWriter } from './archive-writer.ts'
import { openArchive } from './archive.ts'

const describer = new URL('../../trace/describe-record.ts', import.meta.url)
const describeName: DescribeRecord = ({ name }) => (typeof name === 'number' ? [[1, name]] : [])
const plenty: ArchiveBounds = { maxRecords: 1e6, maxAgeMs: Infinity, maxBytes: Infinity }

let folder = ''
let path = ''
const now = 1_800_000_000_000
const clock: Clock = { now: () => now, monotonicMs: () => now, after: () => ({ cancel() {} }) }
const logged: string[] = []
const keep = (event: string): void => void logged.push(event)
const log: Log = { debug: keep, info: keep, warn: keep, error: keep }
const opened: Archive[] = []

async function open(bounds?: ArchiveBounds): Promise<Archive> {
  const one = await openArchive({ path, describer, clock, log, ...(bounds && { bounds }) })
  opened.push(one)
  return one
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-archive-'))
  path = join(folder, 'deep/traces.db')
  logged.length = 0
})

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Records with their number as a name, and with so many characters. */
function fill(
  writer: ArchiveWriter,
  count: number,
  { from = 0, chars = 100, counts = true } = {},
): void {
  const json = (name: number): Uint8Array =>
    Buffer.from(JSON.stringify({ name, text: 'x'.repeat(chars) }))
  const records = Array.from({ length: count }, (_, n) => ({
    at: now + from + n,
    counts,
    json: json(from + n),
    detail: null,
    terms: Float64Array.of(packTerm([1, from + n]) ?? NaN),
  }))
  writer.add(records, [])
}

/** Everything that can be done now. */
function tidy(writer: ArchiveWriter, at = now): void {
  while (writer.tidy(at));
}

const all = { conditions: [], order: 'oldest', limit: 1000 } as const
const named = (name: number) => ({ ...all, conditions: [[{ kind: 1, from: name, to: name }]] })

describe('retention', () => {
  const started = (bounds: Partial<ArchiveBounds>) => {
    const { opened: file } = openArchiveFile(path, now)
    return {
      file,
      writer: new ArchiveWriter(file, describeName, { ...plenty, ...bounds }),
      reader: new ArchiveReader(file, describeName),
    }
  }
  const positions = (reader: ArchiveReader): number[] =>
    reader.find({ ...all, limit: 10_000 }).rows.map(([position]) => position)

  test('by count keeps exactly the newest records that count', () => {
    const { file, writer, reader } = started({ maxRecords: 700 })
    for (let round = 0; round < 5; round++) {
      fill(writer, 300, { from: round * 300 })
      tidy(writer)
    }
    expect(positions(reader)).toEqual(Array.from({ length: 700 }, (_, n) => 801 + n))
    expect(reader.find(named(1000)).rows).toHaveLength(1)
    expect(reader.find(named(100)).rows).toEqual([])
    file.close()
  })

  test('records that do not count go with those that do', () => {
    const { file, writer, reader } = started({ maxRecords: 10 })
    for (let n = 0; n < 40; n++) fill(writer, 1, { from: n, counts: n % 2 === 0 })
    tidy(writer)
    expect(positions(reader)).toEqual(Array.from({ length: 21 }, (_, n) => 20 + n))
    file.close()
  })

  test('by age lets go of what is older, of what has no index too', () => {
    const { file, writer, reader } = started({ maxAgeMs: 1000 })
    fill(writer, 1500)
    tidy(writer, now + 2300)
    expect(positions(reader)).toEqual(Array.from({ length: 200 }, (_, n) => 1301 + n))
    tidy(writer, now + 10_000)
    expect(positions(reader)).toEqual([])
    // Positions are never given twice: a cursor stays right.
    fill(writer, 1)
    expect(positions(reader)).toEqual([1501])
    file.close()
  })

  test('by bytes stays below them, and what is freed is given back', () => {
    const { file, writer, reader } = started({ maxBytes: 2 ** 20 })
    fill(writer, 3000, { chars: 4000 })
    tidy(writer)
    expect(reader.extent().sizeBytes).toBeLessThanOrEqual(2 ** 20)
    expect(positions(reader).at(-1)).toBe(3000)
    file.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    // What lies unused for the next records is bounded: 256 pages.
    expect(statSync(path).size).toBeLessThan(2 ** 20 + 275 * 16_384)
    file.close()
  })

  test('works in pieces, none of which holds the file for long', () => {
    const { file, writer } = started({ maxRecords: 100 })
    fill(writer, 3000, { chars: 4000 })
    const question = file.prepare(
      `SELECT (SELECT count(*) FROM records) AS records, (SELECT count(*) FROM segments) AS segments,
        (SELECT page_count FROM pragma_page_count) AS pages`,
    )
    const look = (): number[] => Object.values(question.get() ?? {}).map(Number)
    const most = [0, 0, 0]
    let before = look()
    while (writer.tidy(now)) {
      const after = look()
      for (const [index, count] of after.entries())
        most[index] = Math.max(most[index] ?? 0, Math.abs(count - (before[index] ?? 0)))
      before = after
    }
    // Records that go, segments that get their index, or pages that are given back.
    expect(most).toEqual([64, 1, 16])
    file.close()
  })
})

describe('the index of a segment', () => {
  test('has what each of several wrote into it, and what was removed of it in between is found by nothing', () => {
    const { opened: file } = openArchiveFile(path, now)
    const [one, two] = [plenty, { ...plenty, maxRecords: 350 }].map(
      (bounds) => new ArchiveWriter(file, describeName, bounds),
    )
    if (one === undefined || two === undefined) throw new Error('there are two')
    for (let from = 0; from < 510; from += 10) fill(from % 20 === 0 ? one : two, 10, { from })
    tidy(two)
    fill(one, 10, { from: 510 })
    tidy(one)
    const reader = new ArchiveReader(file, describeName)
    const found = Array.from({ length: 520 }, (_, name) => reader.find(named(name)).rows.length)
    expect(found).toEqual(Array.from({ length: 520 }, (_, name) => (name < 160 ? 0 : 1)))
    expect(file.prepare('SELECT segment, counted FROM segments').all()).toEqual([
      { segment: 0, counted: 352 },
    ])
    file.close()
  })
})

describe('a text that is looked for', () => {
  test('keeps nobody waiting for long: each answer says where to go on, and nothing is left out', () => {
    const { opened: file } = openArchiveFile(path, now)
    const writer = new ArchiveWriter(file, describeName, plenty)
    fill(writer, 3000)
    tidy(writer)
    let elapsed = 0
    // Each look at the clock is 20 ms later.
    const reader = new ArchiveReader(file, describeName, {
      monotonicMs: () => (elapsed += 20),
    })
    const rare = { ...all, order: 'newest', contains: '"name":77' } as const
    const found: number[] = []
    let answers = 0
    for (let beyond: number | undefined; ;) {
      const { rows, next } = reader.find(beyond === undefined ? rare : { ...rare, beyond })
      answers += 1
      found.push(...rows.map(([position]) => position))
      if (next === undefined) break
      // Five looks of 64 records each.
      expect((beyond ?? 3001) - next).toBe(320)
      beyond = next
    }
    expect(answers).toBe(Math.ceil(3000 / 320))
    expect(found.toSorted((a, b) => a - b)).toEqual(
      [
        78,
        ...Array.from({ length: 10 }, (_, n) => 771 + n),
        ...Array.from({ length: 100 }, (_, n) => 7701 + n),
      ].filter((position) => position <= 3000),
    )
    file.close()
  })

  test('does not stop where an index finds it', () => {
    const { opened: file } = openArchiveFile(path, now)
    const writer = new ArchiveWriter(file, describeName, plenty)
    fill(writer, 500)
    const reader = new ArchiveReader(file, describeName, { monotonicMs: () => 1 / 0 })
    expect(reader.find(all)).toMatchObject({ rows: { length: 500 } })
    file.close()
  })
})

describe('several who write, and one who reads', () => {
  test('all records are there, in one order, and none twice', async () => {
    const writers = await Promise.all([1, 2, 3].map(() => open(plenty)))
    const reader = await open()
    const seen: number[] = []
    let beyond = 0
    const read = async (): Promise<void> => {
      const { rows } = await reader.find({ ...all, beyond, limit: 10_000 })
      seen.push(...rows.map(({ value }) => Number(value['n'])))
      beyond = rows.at(-1)?.position ?? beyond
    }
    for (let n = 0; n < 1500; n++) {
      writers[n % 3]?.addLater({ n }, { at: now, counts: true })
      if (n % 100 === 99) await Promise.all([writers[n % 3]?.extent(), read()])
    }
    for (const writer of writers) await writer.extent()
    await read()
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1500 }, (_, n) => n))
  })

  test('who only reads takes no lock, and cannot write', async () => {
    const writer = await open(plenty)
    writer.addLater({ n: 1 }, { at: now, counts: true })
    await writer.extent()
    const lock = new DatabaseSync(path)
    lock.exec('BEGIN IMMEDIATE')
    const reader = await open()
    expect((await reader.find(all)).rows).toHaveLength(1)
    lock.exec('ROLLBACK')
    lock.close()
    const file = openArchiveForReading(path)
    expect(() => file.exec('DELETE FROM records')).toThrow('readonly')
    file.close()
  })
})

test('a record that the disk has spoiled takes no other with it, in a full segment nor behind it', async () => {
  const { opened: file } = openArchiveFile(path, now)
  const writer = new ArchiveWriter(file, describeName, plenty)
  fill(writer, 600)
  tidy(writer)
  file.exec(`UPDATE records SET value = '{"name"' WHERE seq IN (5, 590)`)
  file.exec(`UPDATE records SET value = 'null' WHERE seq IN (6, 591)`)
  file.exec(`UPDATE records SET detail = '[1' WHERE seq IN (7, 592)`)
  file.exec(`INSERT INTO notes (key, value) VALUES ('chain', '{')`)
  file.close()
  const beside = openArchiveBeside(path, describeName)
  const conditions = [[{ kind: 1, from: 0, to: 1000 }]]
  const { rows } = await beside.find({ ...all, conditions, details: true })
  expect(rows).toHaveLength(596)
  expect(rows.filter(({ detail }) => detail === null).map(({ position }) => position)).toEqual([
    7, 592,
  ])
  expect((await beside.find(all)).rows).toHaveLength(596)
  expect(await beside.note('chain')).toBeUndefined()
  await beside.close()
})

test('a list of an index with a wrong bit is told of once, and its segment is read record by record', () => {
  const { opened: file } = openArchiveFile(path, now)
  const writer = new ArchiveWriter(file, describeName, plenty)
  fill(writer, 1200)
  tidy(writer)
  const id = postingId(1, 1)
  const list = file.prepare('SELECT list FROM postings WHERE id = ?').get(id)?.['list']
  const write = file.prepare('UPDATE postings SET list = ? WHERE id = ?')
  const asked = () => {
    const damaged: number[] = []
    const lists = new PostingLists(file, (segment) => damaged.push(segment))
    const reader = new ArchiveReader(file, describeName, { lists })
    const counter = new ArchiveCounter(file, describeName, lists)
    const { rows } = reader.find({ ...all, conditions: [[{ kind: 1, from: 600, to: 2000 }]] })
    const question = { kind: 1, sliceMs: 1e15, since: 0, beyond: 0 }
    const rare = counter.tally({ ...question, isRare: true }).counts.length
    return { found: rows.length, counted: counter.tally(question).counts.length, rare, damaged }
  }
  const whole = asked()
  expect(whole).toEqual({ found: 600, counted: 1200, rare: 1200, damaged: [] })
  if (!(list instanceof Uint8Array)) throw new Error('no list')
  for (const [at, bit] of [
    [0, 1],
    [1001, 128],
    [list.length - 1, 16],
  ] as const) {
    const spoiled = Uint8Array.from(list)
    spoiled[at] = (spoiled[at] ?? 0) ^ bit
    write.run(spoiled, id)
    expect(asked()).toEqual({ ...whole, damaged: [1] })
  }
  write.run(list.subarray(0, 803), id)
  expect(asked()).toEqual({ ...whole, damaged: [1] })
  // As earlier versions wrote it.
  write.run(list.subarray(0, 4096), id)
  expect(asked()).toEqual(whole)
  file.close()
})

describe('the archive', () => {
  test('keeps records with their details, and notes, over a restart', async () => {
    const first = await open(plenty)
    first.addLater(
      { id: 'ü\u0000"' },
      { at: now, counts: true, detail: () => JSON.stringify([1, { two: 'ß' }]) },
    )
    first.noteLater('chain', { places: [] })
    await first.close()
    opened.length = 0
    const again = await open()
    expect((await again.find({ ...all, details: true })).rows).toEqual([
      { position: 1, value: { id: 'ü\u0000"' }, detail: [1, { two: 'ß' }] },
    ])
    expect(await again.note('chain')).toEqual({ places: [] })
    expect(await again.note('none')).toBeUndefined()
  })

  test('drops and counts what is too much to wait', async () => {
    const one = await open(plenty)
    for (let n = 0; n < 25_000; n++) one.addLater({ n }, { at: now, counts: true })
    expect(one.dropped).toBeGreaterThan(3000)
    expect(one.waiting).toBeLessThanOrEqual(21_000)
    await one.extent()
    expect(one.waiting).toBe(0)
  })

  test('a file that is no database is set aside, and a new one begun', async () => {
    await (await open(plenty)).close()
    opened.length = 0
    writeFileSync(path, 'these are not the bytes of a database'.repeat(100))
    const one = await open(plenty)
    one.addLater({ n: 1 }, { at: now, counts: true })
    expect((await one.find(all)).rows).toHaveLength(1)
    expect(logged).toEqual(['store.set-aside'])
    expect(readdirSync(join(folder, 'deep')).some((name) => name.includes('.damaged-'))).toBe(true)
  })

  test('a file that is not there is not made to be read', async () => {
    await expect(open()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      detail: `${path}: unable to open database file`,
    })
    expect(existsSync(path)).toBe(false)
  })

  test('what a newer version wrote is left alone, and whoever writes goes on without it', async () => {
    await (await open(plenty)).close()
    opened.length = 0
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    const one = await open(plenty)
    expect(logged).toEqual(['traces.not-open'])
    one.addLater({ n: 1 }, { at: now, counts: true })
    await expect(one.find(all)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('newer version'),
    })
    expect(one.dropped).toBe(1)
    // Once the reason is gone it is as if nothing had been.
    database.exec('PRAGMA user_version = 1')
    database.close()
    one.addLater({ n: 2 }, { at: now, counts: true })
    expect((await one.find(all)).rows.map(({ value }) => value)).toEqual([{ n: 2 }])
  })

  test('who may not read the folder of others may not read who wrote to whom either', async () => {
    await open(plenty)
    expect(statSync(path).mode & 0o007).toBe(0)
  })

  test('a file whose inside breaks while it is written is set aside, and its chains are noted again', async () => {
    const one = await open(plenty)
    one.noteLater('chain', { places: [] })
    for (let n = 0; n < 2000; n++) {
      one.addLater({ n, text: 'x'.repeat(5000) }, { at: now, counts: true })
    }
    await one.extent()
    const copy = new DatabaseSync(path)
    copy.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    copy.close()
    const bytes = openSync(path, 'r+')
    // All but the header, which is what a start looks at.
    writeSync(bytes, Buffer.alloc(statSync(path).size - 4096, 0xff), 0, undefined, 4096)
    closeSync(bytes)
    await expect(one.find({ ...all, limit: 2000 })).rejects.toMatchObject({ code: 'STORE_FAILED' })
    for (const n of [1, 2]) {
      one.addLater({ n }, { at: now, counts: true })
      await one.extent()
    }
    expect((await one.find(all)).rows.map(({ value }) => value)).toEqual([{ n: 1 }, { n: 2 }])
    expect(await one.note('chain')).toEqual({ places: [] })
    expect(logged).toEqual(['store.set-aside'])
  })

  test('several who find one file damaged begin one new file', async () => {
    await (await open(plenty)).close()
    opened.length = 0
    writeFileSync(path, 'these are not the bytes of a database'.repeat(100))
    const writers = await Promise.all([1, 2, 3].map(() => open(plenty)))
    for (const [n, writer] of writers.entries()) {
      writer.addLater({ n }, { at: now, counts: true })
      await writer.extent()
    }
    expect((await (await open()).find(all)).rows).toHaveLength(3)
  })

  test('a file is set aside though somebody was killed while he did so', async () => {
    await (await open(plenty)).close()
    opened.length = 0
    writeFileSync(path, 'these are not the bytes of a database'.repeat(100))
    writeFileSync(`${path}.moving`, '')
    const writer = await open(plenty)
    writer.addLater({ n: 1 }, { at: now, counts: true })
    expect((await writer.find(all)).rows).toHaveLength(1)
    expect(readdirSync(join(folder, 'deep')).filter((name) => name.endsWith('.moving'))).toEqual([])
  })

  test('of several files that were set aside the last one stays', async () => {
    const folderOf = join(folder, 'deep')
    for (const at of [now, now + 1]) {
      openArchiveFile(path, at).opened.close()
      writeFileSync(path, 'these are not the bytes of a database'.repeat(100))
      openArchiveFile(path, at).opened.close()
    }
    const aside = readdirSync(folderOf).filter((name) => name.includes('.damaged-'))
    expect(aside).toEqual([`traces.db.damaged-${now + 1}`])
  })

  test('a file that was removed meanwhile is begun anew', async () => {
    const due: (() => void)[] = []
    const after: Clock['after'] = (_, callback) => {
      due.push(callback)
      return { cancel() {} }
    }
    const one = await openArchive({
      path,
      describer,
      log,
      bounds: plenty,
      clock: { ...clock, after },
    })
    opened.push(one)
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
    due[0]?.()
    await vi.waitFor(() => expect(logged).toEqual(['traces.not-open']), { timeout: 30_000 })
    one.addLater({ n: 1 }, { at: now, counts: true })
    await one.extent()
    expect((await (await open()).find(all)).rows).toHaveLength(1)
  })

  test('however fast records come, the oldest go as fast', async () => {
    const one = await open({ ...plenty, maxRecords: 1000 })
    for (let round = 0; round < 30; round++) {
      for (let n = 0; n < 1000; n++) one.addLater({ n }, { at: now, counts: true })
      await one.extent()
    }
    const { rows } = await one.find({ ...all, limit: 30_000 })
    expect(rows.length).toBeLessThan(9000)
  })

  test('answers while records keep coming, and waits for those only that came before', async () => {
    let goesOn = false
    // It is asked with every batch: another record is there before that is written.
    const busy = (): number => {
      if (goesOn) one.addLater({ text: 'x' }, { at: now, counts: true })
      return now
    }
    const one = await openArchive({
      path,
      describer,
      bounds: plenty,
      clock: { ...clock, now: busy },
      log,
    })
    opened.push(one)
    goesOn = true
    try {
      for (let name = 0; name < 3; name++) {
        one.noteLater(`chain ${name}`, name)
        expect(await one.note(`chain ${name}`)).toBe(name)
      }
    } finally {
      goesOn = false
    }
  })

  test('what it is asked after it was closed is an error', async () => {
    const one = await open(plenty)
    await one.close()
    await expect(one.find(all)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    one.addLater({}, { at: now, counts: true })
    expect(one.dropped).toBe(1)
  })
})
