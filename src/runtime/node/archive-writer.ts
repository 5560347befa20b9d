/** Writes records into an archive's file, makes the indexes of full segments, and lets go what is too much or too old. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ArchiveBounds, DescribeRecord } from '../archive.ts'
import { GrowingIndex, packTerm, segmentRecords } from './archive-index.ts'
import { termsOf, usedBytes } from './archive-reader.ts'
import { withChecksum } from './archive-lists.ts'
import { firstOf, lastOf, postingId, segmentOf } from './archive-segments.ts'

/** Records removed in one transaction: it stays far below five milliseconds. */
const pruneRows = 64
/** Pages given back to the disk in one transaction. */
const vacuumPages = 16
/** So much may lie unused: the next records take it. */
const idlePages = 256
const idleShare = 0.25
const mostNotes = 1000
/** Segments that are not full, or wait to be sealed: several processes write to a file, at different places. */
const mostGrowing = 8
/** An empty file has pages too. */
const leastBytes = 256 * 1024
const nothingDoomed = { last: undefined, counting: 0 } as const

export interface NewRecord {
  readonly at: number
  readonly counts: boolean
  /** UTF-8, as `detail`. */
  readonly json: Uint8Array
  readonly detail: Uint8Array | null
  /** By what it is found, packed. */
  readonly terms: Float64Array
}

export class ArchiveWriter {
  readonly #file: DatabaseSync
  readonly #describe: DescribeRecord
  readonly #bounds: ArchiveBounds
  readonly #insert: StatementSync
  readonly #note: StatementSync
  readonly #oldest: StatementSync
  readonly #segment: StatementSync
  readonly #values: StatementSync
  readonly #behind: StatementSync
  /** Of what was added here and lies in no full segment yet, by the segment. */
  readonly #growing = new Map<number, GrowingIndex>()
  /** Questions for one number, prepared once. */
  readonly #questions = new Map<string, StatementSync>()

  constructor(file: DatabaseSync, describe: DescribeRecord, bounds: ArchiveBounds) {
    this.#file = file
    this.#describe = describe
    this.#bounds = bounds
    this.#insert = file.prepare(
      `INSERT INTO records (at, counts, value, detail)
        VALUES (?, ?, CAST(? AS TEXT), CAST(? AS TEXT))`,
    )
    this.#note = file.prepare('INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)')
    this.#oldest = file.prepare('SELECT seq, at, counts FROM records ORDER BY seq LIMIT ?')
    this.#behind = file.prepare('SELECT sum(counts) AS n FROM records WHERE seq >= ?')
    this.#segment = file.prepare(
      `SELECT min(at) AS first, max(at) AS last, sum(counts) AS counted
        FROM records WHERE seq BETWEEN ? AND ?`,
    )
    this.#values = file.prepare('SELECT seq, value FROM records WHERE seq BETWEEN ? AND ?')
  }

  /** All or nothing. */
  add(
    records: readonly NewRecord[],
    notes: readonly (readonly [key: string, json: string])[],
  ): void {
    const seqs: number[] = []
    this.#transaction(() => {
      for (const { at, counts, json, detail } of records) {
        seqs.push(Number(this.#insert.run(at, counts ? 1 : 0, json, detail).lastInsertRowid))
      }
      for (const [key, json] of notes) this.#note.run(key, json)
      if (notes.length > 0) {
        this.#file.exec(
          `DELETE FROM notes WHERE seq <= (SELECT max(seq) FROM notes) - ${mostNotes}`,
        )
      }
    })
    for (const [index, { terms }] of records.entries()) this.#grow(seqs[index] ?? 0, terms)
  }

  /** That its terms are kept saves that it is read, parsed and described when its segment is full. */
  #grow(seq: number, terms: Float64Array): void {
    const segment = segmentOf(seq)
    let index = this.#growing.get(segment)
    if (index === undefined) {
      index = new GrowingIndex()
      this.#growing.set(segment, index)
      // Where nothing can be sealed: what is forgotten is read.
      for (const oldest of this.#growing.keys()) {
        if (this.#growing.size <= mostGrowing) break
        this.#growing.delete(oldest)
      }
    }
    index.take(seq - firstOf(segment), terms)
  }

  /** One piece of the work that can wait. @returns whether there may be more */
  tidy(now: number): boolean {
    return this.#seal() || this.#prune(now) || this.#giveBack()
  }

  #seal(): boolean {
    if (this.#sealable() === undefined) return false
    return this.#transaction(() => {
      // Another process may have been faster.
      const segment = this.#sealable()
      if (segment !== undefined) this.#sealOne(segment)
      return true
    })
  }

  /** The first full segment without an index. */
  #sealable(): number | undefined {
    const known = this.#number('SELECT max(segment) FROM segments') ?? -1
    const last = this.#number('SELECT max(seq) FROM records') ?? 0
    if (last < lastOf(known + 1)) return undefined
    const first = this.#number('SELECT min(seq) FROM records') ?? 1
    const segment = Math.max(known + 1, segmentOf(first))
    return last < lastOf(segment) ? undefined : segment
  }

  #sealOne(segment: number): void {
    const base = firstOf(segment)
    const { first, last, counted } = this.#segment.get(base, lastOf(segment)) ?? {}
    const index = this.#growing.get(segment) ?? new GrowingIndex()
    this.#growing.delete(segment)
    if (index.records < segmentRecords) this.#readMissing(segment, index)
    const insert = this.#file.prepare('INSERT OR REPLACE INTO postings (id, list) VALUES (?, ?)')
    for (const [kind, list] of index.postings()) {
      insert.run(postingId(segment, kind), withChecksum(list))
    }
    this.#file
      .prepare(
        'INSERT OR REPLACE INTO segments (segment, first_at, last_at, counted) VALUES (?, ?, ?, ?)',
      )
      .run(segment, Number(first), Number(last), Number(counted))
  }

  /** What others wrote, or an earlier run did. */
  #readMissing(segment: number, index: GrowingIndex): void {
    const base = firstOf(segment)
    for (const { seq, value } of this.#values.iterate(base, lastOf(segment))) {
      const place = Number(seq) - base
      if (!index.has(place)) index.take(place, this.#terms(String(value)))
    }
  }

  #terms(json: string): Float64Array {
    const packed = termsOf(json, this.#describe).map(packTerm)
    return Float64Array.from(packed.filter((term) => term !== undefined))
  }

  /** Lets go of some of the oldest, where these are too many, too old or too big. */
  #prune(now: number): boolean {
    if (this.#doomed(now).last === undefined) return false
    return this.#transaction(() => {
      const { last, counting } = this.#doomed(now)
      if (last !== undefined) this.#remove(last, counting)
      return true
    })
  }

  #doomed(now: number): { readonly last: number | undefined; readonly counting: number } {
    const { maxRecords, maxAgeMs, maxBytes } = this.#bounds
    let excess = this.#isMaybeTooMany ? this.#counted() - maxRecords : 0
    const tooBig = usedBytes(this.#file) > Math.max(maxBytes, leastBytes)
    if (!tooBig && excess <= 0 && this.#oldestAt >= now - maxAgeMs) return nothingDoomed
    let last: number | undefined
    let counting = 0
    for (const { seq, at, counts } of this.#oldest.all(pruneRows)) {
      if (!tooBig && excess <= 0 && Number(at) >= now - maxAgeMs) break
      last = Number(seq)
      excess -= Number(counts)
      counting += Number(counts)
    }
    return { last, counting }
  }

  /** Asked after each batch: counting them all is for a store that is full. */
  get #isMaybeTooMany(): boolean {
    const first = this.#number('SELECT min(seq) FROM records') ?? 1
    const last = this.#number('SELECT max(seq) FROM records') ?? 0
    return last - first >= this.#bounds.maxRecords
  }

  get #oldestAt(): number {
    return this.#number('SELECT at FROM records ORDER BY seq LIMIT 1') ?? Infinity
  }

  /** @param counting how many of those up to `last` count */
  #remove(last: number, counting: number): void {
    const file = this.#file
    const begun = segmentOf(last + 1)
    file.prepare('DELETE FROM records WHERE seq <= ?').run(last)
    file.prepare('DELETE FROM postings WHERE id < ?').run(postingId(begun, 0))
    const gone = file.prepare('SELECT sum(counted) AS n FROM segments WHERE segment < ?').get(begun)
    const over = counting - Number(gone?.['n'] ?? 0)
    file.prepare('DELETE FROM segments WHERE segment < ?').run(begun)
    file.prepare('UPDATE segments SET counted = counted - ? WHERE segment = ?').run(over, begun)
  }

  /** In sealed segments by their sums, behind them one by one. */
  #counted(): number {
    const sealed = this.#number('SELECT sum(counted) FROM segments') ?? 0
    const from = firstOf((this.#number('SELECT max(segment) FROM segments') ?? -1) + 1)
    return sealed + Number(this.#behind.get(from)?.['n'] ?? 0)
  }

  #giveBack(): boolean {
    const free = this.#number('PRAGMA freelist_count') ?? 0
    const all = this.#number('PRAGMA page_count') ?? 0
    if (free <= Math.max(idlePages, all * idleShare)) return false
    this.#file.exec(`PRAGMA incremental_vacuum(${vacuumPages})`)
    return true
  }

  /** The one value of the one row. */
  #number(sql: string): number | undefined {
    const question = this.#questions.get(sql) ?? this.#file.prepare(sql)
    this.#questions.set(sql, question)
    const row = question.get() ?? {}
    const [value] = Object.values(row)
    return value === null || value === undefined ? undefined : Number(value)
  }

  #transaction<T>(work: () => T): T {
    this.#file.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#file.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#file.isTransaction) this.#file.exec('ROLLBACK')
      throw error
    }
  }
}
