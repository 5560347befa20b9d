/** Finds records in an archive's file: segment by segment through their indexes, and record by record in the tail. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { parseJson, type JsonObject, type JsonValue } from '../../mail/json.ts'
import type {
  ArchiveAnswer,
  ArchiveExtent,
  ArchiveQuestion,
  DescribeRecord,
  Term,
  TermRange,
} from '../archive.ts'
import { hasTerm, searchPostings } from './archive-index.ts'
import { PostingLists } from './archive-lists.ts'
import { firstOf, lastOf, segmentOf } from './archive-segments.ts'

/** Records that one question reads at most: after that it says how far it came. */
const mostRead = 20_000
/** A text is looked for so long at once: whoever writes waits for the same thread. */
const mostScanMs = 100
/** How often it is looked at the clock. */
const readBetweenLooks = 64
/** Of those it reads in one go, at most: who wants few reads few. */
const mostPageRows = 256

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

/** A sealed one, and what its index has found in it. */
interface IndexedStretch extends Stretch {
  readonly segment: number
  readonly places: ReadonlySet<number>
}

interface RowStatements {
  readonly one: StatementSync
  readonly newest: StatementSync
  readonly oldest: StatementSync
}

export class ArchiveReader {
  readonly #file: DatabaseSync
  readonly #describe: DescribeRecord
  readonly #segments: Readonly<Record<ArchiveQuestion['order'], StatementSync>>
  readonly #lastSealed: StatementSync
  readonly #lists: PostingLists
  readonly #heads: RowStatements
  /** With the details. */
  readonly #whole: RowStatements
  readonly #ends: StatementSync
  readonly #monotonicMs: () => number

  constructor(
    file: DatabaseSync,
    describe: DescribeRecord,
    {
      monotonicMs = () => performance.now(),
      lists = new PostingLists(file),
    }: { readonly monotonicMs?: () => number; readonly lists?: PostingLists } = {},
  ) {
    this.#monotonicMs = monotonicMs
    this.#lists = lists
    this.#file = file
    this.#describe = describe
    const segments = (order: string): StatementSync =>
      file.prepare(
        `SELECT segment FROM segments WHERE segment BETWEEN ? AND ? AND last_at >= ? AND first_at < ?
          ORDER BY segment ${order}`,
      )
    this.#segments = { newest: segments('DESC'), oldest: segments('ASC') }
    this.#lastSealed = file.prepare('SELECT max(segment) AS segment FROM segments')
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
      if (question.conditions.length === 0) yield* rowsOf(statements, stretch, question)
      else if (segment === undefined) yield* this.#matching(statements, stretch, question)
      else yield* this.#inSegment(statements, { ...stretch, segment }, question)
    }
  }

  /** In the order of the question, without what its times and its position rule out; read as they are wanted. */
  *#stretches({ since, until, order, beyond }: ArchiveQuestion): Generator<Stretch, void> {
    const low = order === 'oldest' && beyond !== undefined ? beyond + 1 : 1
    const high = order === 'newest' && beyond !== undefined ? beyond - 1 : this.#last()
    const tailFrom = firstOf(Number(this.#lastSealed.get()?.['segment'] ?? -1) + 1)
    const tail = { first: Math.max(tailFrom, low), last: high }
    if (order === 'newest' && tail.first <= tail.last) yield tail
    const [from, to] = [segmentOf(low), segmentOf(high)]
    const sealed = this.#segments[order].iterate(from, to, since ?? -Infinity, until ?? Infinity)
    for (const row of sealed) {
      const segment = Number(row['segment'])
      const first = Math.max(firstOf(segment), low)
      const last = Math.min(lastOf(segment), high)
      if (first <= last) yield { segment, first, last }
    }
    if (order === 'oldest' && tail.first <= tail.last) yield tail
  }

  *#matching(
    statements: RowStatements,
    stretch: Stretch,
    question: ArchiveQuestion,
  ): Generator<Row, void> {
    const { order, conditions } = question
    for (const row of rowsOf(statements, stretch, { order })) {
      const terms = termsOf(row.value, this.#describe)
      if (conditions.every((ranges) => hasTerm(terms, ranges))) yield row
    }
  }

  /** By its index; where that cannot be believed, record by record. */
  *#inSegment(
    statements: RowStatements,
    stretch: Stretch & { readonly segment: number },
    question: ArchiveQuestion,
  ): Generator<Row, void> {
    const places = this.#placesOfAll(stretch.segment, question.conditions)
    if (places === 'damaged') yield* this.#matching(statements, stretch, question)
    else yield* this.#indexed(statements, { ...stretch, places }, question)
  }

  /** Of the records that fulfil all conditions. */
  #placesOfAll(
    segment: number,
    conditions: ArchiveQuestion['conditions'],
  ): ReadonlySet<number> | 'damaged' {
    let places: ReadonlySet<number> | undefined
    for (const ranges of conditions) {
      const found = this.#placesOf(segment, ranges)
      if (found === 'damaged') return found
      places = places === undefined ? found : places.intersection(found)
      if (places.size === 0) return places
    }
    return places ?? new Set()
  }

  *#indexed(
    { one }: RowStatements,
    { segment, first, last, places }: IndexedStretch,
    { order }: Pick<ArchiveQuestion, 'order'>,
  ): Generator<Row, void> {
    const base = firstOf(segment)
    const seqs = [...places]
      .map((place) => base + place)
      .filter((seq) => seq >= first && seq <= last)
      .toSorted((a, b) => (order === 'newest' ? b - a : a - b))
    for (const seq of seqs) {
      const row = one.get(seq)
      if (row !== undefined) yield rowOf(row)
    }
  }

  #placesOf(segment: number, ranges: readonly TermRange[]): ReadonlySet<number> | 'damaged' {
    const found = new Set<number>()
    for (const range of ranges) {
      const list = this.#lists.of(segment, range.kind)
      if (list === 'damaged') return list
      if (list !== undefined) searchPostings(list, range, found)
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

/** What was found, as whoever asked has it. One record that the disk has spoiled takes no other with it: it is left out. */
export function answerOf({ rows, next }: FoundRows): ArchiveAnswer {
  return {
    rows: rows.flatMap(([position, json, detail]) => {
      const value = parseJson(json)
      if (!isRecord(value)) return []
      return [
        { position, value, ...(detail === undefined ? {} : { detail: parseJson(detail) ?? null }) },
      ]
    }),
    ...(next === undefined ? {} : { next }),
  }
}

/** A record that cannot be read or described is there, and found by nothing. */
export function termsOf(json: string, describe: DescribeRecord): readonly Term[] {
  try {
    const value = parseJson(json)
    return isRecord(value) ? describe(value) : []
  } catch {
    return []
  }
}

function isRecord(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function rowStatements(file: DatabaseSync, columns: string): RowStatements {
  const page = (order: string): StatementSync =>
    file.prepare(
      `SELECT ${columns} FROM records WHERE seq BETWEEN ? AND ? ORDER BY seq ${order} LIMIT ?`,
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
  { order, limit = mostPageRows }: Pick<ArchiveQuestion, 'order'> & { readonly limit?: number },
): Generator<Row, void> {
  let [from, to] = [first, last]
  // One more than is wanted says that there is more.
  for (let rows = Math.min(limit + 1, mostPageRows); from <= to; rows = mostPageRows) {
    const page = statements[order].all(from, to, rows).map(rowOf)
    yield* page
    const end = page.at(-1)
    if (end === undefined || page.length < rows) return
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
