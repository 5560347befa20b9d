/**
 * Counts records of an archive's file by time, without reading them: from the indexes of full segments, and record by record
 * only in the tail. What a thousand records cost it is what one segment costs.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ArchiveTally, DescribeRecord, TallyCount, TallyQuestion } from '../archive.ts'
import { placesByPayload } from './archive-index.ts'
import { lastSequence, termsOf } from './archive-reader.ts'
import { PostingLists } from './archive-lists.ts'
import { firstOf, lastOf, segmentOf } from './archive-segments.ts'

/** That one question looks at: others wait for the same thread. */
const mostSegments = 256
/** Without an index. */
const mostRows = 2_048

interface Sealed {
  readonly segment: number
  readonly firstAt: number
  readonly lastAt: number
}

export class ArchiveCounter {
  readonly #file: DatabaseSync
  readonly #describe: DescribeRecord
  readonly #segments: StatementSync
  readonly #oldest: StatementSync
  readonly #lastSealed: StatementSync
  readonly #lists: PostingLists
  readonly #times: StatementSync
  readonly #rows: StatementSync

  constructor(
    file: DatabaseSync,
    describe: DescribeRecord,
    lists: PostingLists = new PostingLists(file),
  ) {
    this.#lists = lists
    this.#file = file
    this.#describe = describe
    this.#segments = file.prepare(
      `SELECT segment, first_at, last_at FROM segments
        WHERE segment >= ? AND last_at >= ? ORDER BY segment LIMIT ${mostSegments}`,
    )
    this.#oldest = file.prepare('SELECT min(seq) AS seq FROM records')
    this.#lastSealed = file.prepare('SELECT max(segment) AS segment FROM segments')
    this.#times = file.prepare('SELECT seq, at FROM records WHERE seq BETWEEN ? AND ?')
    this.#rows = file.prepare(
      `SELECT seq, at, value FROM records WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ${mostRows}`,
    )
  }

  tally(question: TallyQuestion): ArchiveTally {
    this.#file.exec('BEGIN')
    try {
      return this.#tally(question)
    } finally {
      // Some errors end the transaction; that it is over must not stand for what they say.
      if (this.#file.isTransaction) this.#file.exec('COMMIT')
    }
  }

  #tally(question: TallyQuestion): ArchiveTally {
    const last = lastSequence(this.#file)
    // Where the file was replaced, positions begin anew. The index of a segment names records that are gone, too.
    const beyond = Math.max(Math.min(question.beyond, last), this.#first(last) - 1)
    const counts = new Counts(question)
    const sealed = this.#sealed(segmentOf(beyond + 1), question.since)
    for (const each of sealed) this.#countSealed(each, { ...question, beyond }, counts)
    const lookedAt = sealed.at(-1)
    if (lookedAt !== undefined && sealed.length === mostSegments) {
      return { counts: counts.all, upTo: lastOf(lookedAt.segment), isComplete: false }
    }
    const lastSealed = this.#lastSealed.get()?.['segment']
    const tail = lastSealed === null ? 1 : firstOf(Number(lastSealed) + 1)
    const rows = this.#rows.all(Math.max(tail, beyond + 1), last)
    this.#countRows(rows, question.kind, counts)
    const isComplete = rows.length < mostRows
    const upTo = isComplete ? last : Number(rows.at(-1)?.['seq'] ?? last)
    return { counts: counts.all, upTo, isComplete }
  }

  #first(last: number): number {
    return Number(this.#oldest.get()?.['seq'] ?? last + 1)
  }

  #sealed(from: number, since: number): readonly Sealed[] {
    return this.#segments.all(from, since).map((row) => ({
      segment: Number(row['segment']),
      firstAt: Number(row['first_at']),
      lastAt: Number(row['last_at']),
    }))
  }

  #countSealed(
    { segment, firstAt, lastAt }: Sealed,
    { kind, beyond, isRare }: TallyQuestion,
    counts: Counts,
  ): void {
    const base = firstOf(segment)
    const end = lastOf(segment)
    const list = this.#lists.of(segment, kind)
    // Its index is damaged, it was sealed before there were terms of this kind, or there is none of them in it.
    if (list === 'damaged' || list === undefined) {
      if (list === undefined && isRare === true) return
      return this.#countRows(this.#rows.all(Math.max(base, beyond + 1), end), kind, counts)
    }
    const times = counts.areOfOne(firstAt, lastAt) ? undefined : this.#timesOf(base, end)
    for (const [payload, place] of placesByPayload(list)) {
      const position = base + place
      const at = times === undefined ? firstAt : times.get(position)
      // One that is gone has no time any more.
      if (position > beyond && at !== undefined) counts.add(at, payload, position)
    }
  }

  #timesOf(from: number, to: number): ReadonlyMap<number, number> {
    const rows = this.#times.all(from, to)
    return new Map(rows.map(({ seq, at }) => [Number(seq), Number(at)]))
  }

  #countRows(rows: readonly Record<string, unknown>[], kind: number, counts: Counts): void {
    for (const { seq, at, value } of rows) {
      for (const [own, payload] of termsOf(String(value), this.#describe)) {
        if (own === kind) counts.add(Number(at), payload, Number(seq))
      }
    }
  }
}

/** By the slice of time and the payload. */
class Counts {
  readonly #counts = new Map<number, Map<number, { count: number; position: number }>>()
  readonly #sliceMs: number
  readonly #since: number

  constructor({ sliceMs, since }: Pick<TallyQuestion, 'sliceMs' | 'since'>) {
    this.#sliceMs = sliceMs
    this.#since = since
  }

  get all(): readonly TallyCount[] {
    return [...this.#counts].flatMap(([at, payloads]) =>
      [...payloads].map(([payload, { count, position }]) => ({ at, payload, count, position })),
    )
  }

  /** Whether all between these times is of one slice. */
  areOfOne(from: number, to: number): boolean {
    return from >= this.#since && this.#sliceOf(from) === this.#sliceOf(to)
  }

  add(at: number, payload: number, position: number): void {
    if (at < this.#since) return
    const slice = this.#sliceOf(at)
    const payloads =
      this.#counts.get(slice) ?? new Map<number, { count: number; position: number }>()
    this.#counts.set(slice, payloads)
    const known = payloads.get(payload)
    if (known === undefined) payloads.set(payload, { count: 1, position })
    else {
      known.count += 1
      known.position = position
    }
  }

  #sliceOf(at: number): number {
    return Math.floor(at / this.#sliceMs) * this.#sliceMs
  }
}
