/** Finds records in an archive's file: segment by segment through their indexes, and record by record in the tail. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { JsonObject } from '../../mail/json.ts'
import type { ArchiveExtent, ArchiveQuestion, DescribeRecord, TermRange } from '../archive.ts'
import { hasTerm, searchPostings } from './archive-index.ts'
import { firstOf, lastOf, postingId } from './archive-segments.ts'

/** Records that one question reads at most: after that it says how far it came. */
const mostRead = 20_000
/** A text is looked for so long at once: whoever writes waits for the same thread. */
const mostScanMs = 100
/** How often it is looked at the clock. */
const readBetweenLooks = 64
/** Of those it reads in one go. */
const pageRows = 256

export interface FoundRows {
  readonly rows: readonly (readonly [position: number, json: string, detail?: string])[]
  readonly next?: number
}

interface Row {
  readonly seq: number
  readonly at: number
  readonly value: string
  readonly detail: string | undefined
}

/** A run of records: a sealed segment, or the tail. */
interface Stretch {
  readonly segment?: number
  readonly first: number
  readonly last: number
}

interface RowStatements {
  readonly one: StatementSync
  readonly newest: StatementSync
  readonly oldest: StatementSync
}

export class ArchiveReader {
  readonly #file: DatabaseSync
  readonly #describe: DescribeRecord
  readonly #segments: StatementSync
  readonly #posting: StatementSync
  readonly #heads: RowStatements
  /** With the details. */
  readonly #whole: RowStatements
  readonly #ends: StatementSync
  readonly #monotonicMs: () => number

  constructor(
    file: DatabaseSync,
    describe: DescribeRecord,
    monotonicMs: () => number = () => performance.now(),
  ) {
    this.#monotonicMs = monotonicMs
    this.#file = file
    this.#describe = describe
    this.#segments = file.prepare(
      'SELECT segment, first_at, last_at FROM segments ORDER BY segment',
    )
    this.#posting = file.prepare('SELECT list FROM postings WHERE id = ?')
    this.#heads = rowStatements(file, 'seq, at, value')
    this.#whole = rowStatements(file, 'seq, at, value, detail')
    this.#ends = file.prepare(
      `SELECT seq, at FROM records WHERE seq IN
        ((SELECT min(seq) FROM records), (SELECT max(seq) FROM records)) ORDER BY seq`,
    )
  }

  find(question: ArchiveQuestion): FoundRows {
    this.#file.exec('BEGIN')
    try {
      return this.#find(question)
    } finally {
      // Some errors end the transaction; that it is over must not stand for what they say.
      if (this.#file.isTransaction) this.#file.exec('COMMIT')
    }
  }

  note(key: string): string | undefined {
    const row = this.#file.prepare('SELECT value FROM notes WHERE key = ?').get(key)
    return row === undefined ? undefined : String(row['value'])
  }

  extent(): ArchiveExtent {
    const ends = this.#ends.all()
    const [oldest] = ends
    const newest = ends.at(-1)
    const sizeBytes = usedBytes(this.#file)
    if (oldest === undefined || newest === undefined) return { newest: this.#last(), sizeBytes }
    return {
      newest: Number(newest['seq']),
      oldestAt: Number(oldest['at']),
      newestAt: Number(newest['at']),
      sizeBytes,
    }
  }

  #find(question: ArchiveQuestion): FoundRows {
    const rows: [number, string, string?][] = []
    // What has an index is read for its rows; only who looks for a text reads on and on.
    const until = question.contains === undefined ? Infinity : this.#monotonicMs() + mostScanMs
    let read = 0
    for (const row of this.#candidates(question)) {
      const late =
        read > 0 &&
        read % readBetweenLooks === 0 &&
        until < Infinity &&
        this.#monotonicMs() >= until
      if (rows.length === question.limit || read === mostRead || late) {
        const next = question.order === 'newest' ? row.seq + 1 : row.seq - 1
        return { rows, next }
      }
      read += 1
      if (!isWanted(row, question)) continue
      const { seq, value, detail } = row
      if (question.details === true && detail !== undefined) rows.push([seq, value, detail])
      else rows.push([seq, value])
    }
    return { rows }
  }

  /** Records that fulfil the conditions, in order; one that is read for nothing counts as well. */
  *#candidates(question: ArchiveQuestion): Generator<Row, void> {
    const detailed = question.details === true || question.contains !== undefined
    const statements = detailed ? this.#whole : this.#heads
    for (const stretch of this.#stretches(question)) {
      const { segment } = stretch
      if (question.conditions.length === 0) yield* rowsOf(statements, stretch, question.order)
      else if (segment === undefined) yield* this.#matching(statements, stretch, question)
      else yield* this.#indexed(statements, { ...stretch, segment }, question)
    }
  }

  /** In the order of the question, without what its times and its position rule out. */
  #stretches({ since, until, order, beyond }: ArchiveQuestion): readonly Stretch[] {
    const sealed = this.#segments.all().map((row) => ({
      segment: Number(row['segment']),
      firstAt: Number(row['first_at']),
      lastAt: Number(row['last_at']),
    }))
    const tailFrom = firstOf((sealed.at(-1)?.segment ?? -1) + 1)
    const low = order === 'oldest' && beyond !== undefined ? beyond + 1 : 1
    const high = order === 'newest' && beyond !== undefined ? beyond - 1 : this.#last()
    const stretches: Stretch[] = [
      ...sealed
        .filter(
          ({ firstAt, lastAt }) => lastAt >= (since ?? -Infinity) && firstAt < (until ?? Infinity),
        )
        .map(({ segment }) => ({ segment, first: firstOf(segment), last: lastOf(segment) })),
      { first: tailFrom, last: Math.max(high, tailFrom) },
    ]
    const within = stretches
      .map((stretch) => ({
        ...stretch,
        first: Math.max(stretch.first, low),
        last: Math.min(stretch.last, high),
      }))
      .filter(({ first, last }) => first <= last)
    return order === 'newest' ? within.toReversed() : within
  }

  *#matching(
    statements: RowStatements,
    stretch: Stretch,
    { order, conditions }: ArchiveQuestion,
  ): Generator<Row, void> {
    for (const row of rowsOf(statements, stretch, order)) {
      const terms = this.#describe(parseObject(row.value))
      if (conditions.every((ranges) => hasTerm(terms, ranges))) yield row
    }
  }

  *#indexed(
    { one }: RowStatements,
    { segment, first, last }: Stretch & { readonly segment: number },
    { order, conditions }: ArchiveQuestion,
  ): Generator<Row, void> {
    let places: ReadonlySet<number> | undefined
    for (const ranges of conditions) {
      const found = this.#placesOf(segment, ranges)
      places = places === undefined ? found : places.intersection(found)
      if (places.size === 0) return
    }
    const base = firstOf(segment)
    const seqs = [...(places ?? [])]
      .map((place) => base + place)
      .filter((seq) => seq >= first && seq <= last)
      .toSorted((a, b) => (order === 'newest' ? b - a : a - b))
    for (const seq of seqs) {
      const row = one.get(seq)
      if (row !== undefined) yield rowOf(row)
    }
  }

  #placesOf(segment: number, ranges: readonly TermRange[]): ReadonlySet<number> {
    const found = new Set<number>()
    for (const range of ranges) {
      const list = this.#posting.get(postingId(segment, range.kind))?.['list']
      if (list instanceof Uint8Array) searchPostings(list, range, found)
    }
    return found
  }

  #last(): number {
    return lastSequence(this.#file)
  }
}

/** The number that was given last, if its record is there or not. */
export function lastSequence(file: DatabaseSync): number {
  const row = file.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'").get()
  return Number(row?.['seq'] ?? 0)
}

/** Without what was freed and not given back yet. */
export function usedBytes(file: DatabaseSync): number {
  const pragma = (name: string): number => Number(file.prepare(`PRAGMA ${name}`).get()?.[name])
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
}

export function parseObject(json: string): JsonObject {
  const value: JsonObject = JSON.parse(json)
  return value
}

function rowStatements(file: DatabaseSync, columns: string): RowStatements {
  const page = (order: string): StatementSync =>
    file.prepare(
      `SELECT ${columns} FROM records WHERE seq BETWEEN ? AND ? ORDER BY seq ${order} LIMIT ${pageRows}`,
    )
  return {
    one: file.prepare(`SELECT ${columns} FROM records WHERE seq = ?`),
    newest: page('DESC'),
    oldest: page('ASC'),
  }
}

function* rowsOf(
  statements: RowStatements,
  { first, last }: Stretch,
  order: ArchiveQuestion['order'],
): Generator<Row, void> {
  let [from, to] = [first, last]
  while (from <= to) {
    const page = statements[order].all(from, to).map(rowOf)
    yield* page
    const end = page.at(-1)
    if (end === undefined || page.length < pageRows) return
    if (order === 'newest') to = end.seq - 1
    else from = end.seq + 1
  }
}

function isWanted(
  { at, value, detail = '' }: Row,
  { since, until, contains }: ArchiveQuestion,
): boolean {
  if (at < (since ?? -Infinity) || at >= (until ?? Infinity)) return false
  return contains === undefined || (value + detail).toLowerCase().includes(contains)
}

function rowOf(row: Record<string, unknown>): Row {
  const { seq, at, value, detail } = row
  return {
    seq: Number(seq),
    at: Number(at),
    value: String(value),
    detail: typeof detail === 'string' ? detail : undefined,
  }
}
