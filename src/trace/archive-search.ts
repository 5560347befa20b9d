/** Searches the traces in an archive. It reads only, so it works beside a gateway as well as within one. */
import { PosternError } from '../mail/errors.ts'
import type { JsonObject } from '../mail/json.ts'
import type {
  ArchiveAnswer,
  ArchivedRecord,
  RecordedArchive,
  TermRange,
} from '../runtime/archive.ts'
import type { Attempt } from '../filter/attempts.ts'
import { object, text, texts } from '../filter/read-json.ts'
import { readAttempt, wholeRecord } from '../filter/trace-reader.ts'
import { isAttempt } from './describe-record.ts'
import {
  attemptRanges,
  deliveryQuestion,
  namedQuestion,
  traceQuestion,
  transactionRanges,
  type TraceQuestion,
} from './question.ts'
import { enteredBeside, storyOf, type Story } from './story.ts'
import { summaryOf } from './summary.ts'
import type { TraceSummary } from './trace-summary.ts'
import { exactly, readEnding, termKinds, textTerm, type TermKind } from './terms.ts'
import type {
  DeliveryPage,
  DeliveryQuery,
  EndingPage,
  EndingQuery,
  LatestTraces,
  StoredTrace,
  TraceExtent,
  TracePage,
  TraceQuery,
  TraceSearch,
} from './trace-search.ts'

const usualLimit = 50
const mostItems = 1000
const mostAttempts = 1000
const mostOfOneSession = 20
/** So many records later than what the courier did may the record lie of the message that it did it with: as many as wait. */
const mostOutOfOrder = 50_000
/** A question that finds nothing in what it may read at once is asked on, so often. */
const mostRounds = 4
const ofAllTime = { kind: termKinds.ending, sliceMs: Number.MAX_SAFE_INTEGER, since: 0 }

export class ArchiveTraceSearch implements TraceSearch {
  readonly #archive: RecordedArchive

  constructor(archive: RecordedArchive) {
    this.#archive = archive
  }

  async search(query: TraceQuery): Promise<TracePage> {
    const { rows, next } = await this.#page(traceQuestion(query), query)
    return { items: rows.map(listed), ...nextOf(next) }
  }

  async deliveries(query: DeliveryQuery): Promise<DeliveryPage> {
    const { rows, next } = await this.#page(deliveryQuestion(query), query)
    return { items: rows.map(({ value }) => readAttempt(value)), ...nextOf(next) }
  }

  async *records(query: TraceQuery): AsyncGenerator<StoredTrace, void> {
    const chains = new Map<string, JsonObject>()
    const question = traceQuestion(query)
    for (let { cursor } = query; ;) {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
      const page = await this.#page(question, { ...query, ...(cursor && { cursor }) }, true)
      for (const row of page.rows) {
        const name = text(row.value['chain'])
        // oxlint-disable-next-line no-await-in-loop -- there are few chains
        const chain = chains.get(name) ?? object(await this.#archive.note(name))
        chains.set(name, chain)
        yield { record: wholeRecord(row.value, row.detail), chain }
      }
      if (page.next === undefined) return
      cursor = cursorOf(page.next)
    }
  }

  async newSince(cursor?: string, limit = usualLimit): Promise<Required<TracePage>> {
    if (cursor === undefined) {
      const { newest } = await this.#archive.extent()
      return { items: [], next: cursorOf(newest) }
    }
    const { rows, next } = await this.#archive.find({
      conditions: [transactionRanges],
      order: 'oldest',
      beyond: positionOf(cursor),
      limit: within(limit),
    })
    const last = next ?? rows.at(-1)?.position ?? (await this.#stillThere(positionOf(cursor)))
    return { items: rows.map(listed), next: cursorOf(last) }
  }

  /** Where the file was replaced, positions begin anew: whoever waited beyond its end would wait for long. */
  async #stillThere(position: number): Promise<number> {
    return Math.min(position, (await this.#archive.extent()).newest)
  }

  async latest(
    cursor?: string,
    limit = usualLimit,
    recipients?: readonly string[],
  ): Promise<LatestTraces> {
    if (cursor === undefined) return { ...(await this.newSince()), more: 0 }
    if (recipients !== undefined) return this.#latestFor(recipients, positionOf(cursor), limit)
    let [count, upTo] = [0, positionOf(cursor)]
    for (let round = 0, isComplete = false; !isComplete && round < mostRounds; round++) {
      // oxlint-disable-next-line no-await-in-loop -- each tally begins where the one before ended
      const tally = await this.#archive.tally({ ...ofAllTime, beyond: upTo })
      count += tally.counts.reduce((sum, each) => sum + each.count, 0)
      ;({ upTo, isComplete } = tally)
      // Whoever was away for very long gets fewer counted, and what is new all the same.
      if (!isComplete && round === mostRounds - 1) upTo = (await this.#archive.extent()).newest
    }
    const { rows } = await this.#newest(upTo, Math.min(within(limit), count))
    const items = rows.toReversed().map(listed)
    return { items, more: count - items.length, next: cursorOf(upTo) }
  }

  /** What one question does not reach is passed over: the stream shows what happens now. */
  async #latestFor(
    recipients: readonly string[],
    beyond: number,
    limit: number,
  ): Promise<LatestTraces> {
    const { newest } = await this.#archive.extent()
    const question = traceQuestion({ recipient: recipients })
    const { conditions } = question
    const order = 'oldest'
    const found = await this.#archive.find({ conditions, order, beyond, limit: mostItems })
    const rows = found.rows.filter(({ value }) => question.matches(value))
    const items = rows.slice(-within(limit)).map(listed)
    // What came after the first question may be among the rows.
    const last = found.next === undefined ? (found.rows.at(-1)?.position ?? 0) : 0
    return { items, more: rows.length - items.length, next: cursorOf(Math.max(newest, last)) }
  }

  async #newest(upTo: number, limit: number): Promise<Pick<ArchiveAnswer, 'rows'>> {
    if (limit === 0) return { rows: [] }
    const conditions = [transactionRanges]
    return this.#archive.find({ conditions, order: 'newest', beyond: upTo + 1, limit })
  }

  async endings({ sliceMs, since, cursor }: EndingQuery): Promise<EndingPage> {
    const beyond = cursor === undefined ? 0 : positionOf(cursor)
    const question = { kind: termKinds.ending, sliceMs, since, beyond }
    const { counts, upTo, isComplete } = await this.#archive.tally(question)
    const items = counts.flatMap(({ at, payload, count, position }) => {
      const ending = readEnding(payload)
      return ending === undefined
        ? []
        : [{ at, count, ...ending, ending: payload, cursor: cursorOf(position) }]
    })
    return { items, next: cursorOf(upTo), isComplete }
  }

  async at(cursor: string): Promise<TraceSummary | undefined> {
    const record = await this.#at(positionOf(cursor))
    return record === undefined || isAttempt(record.value) ? undefined : listed(record)
  }

  async read(which: string): Promise<Story | undefined> {
    const record = await this.#find(which)
    const found = record === undefined ? this.storiesOfCourier([which]) : this.#stories([record])
    return (await found)[0]
  }

  async stories(items: readonly Pick<TraceSummary, 'cursor'>[]): Promise<readonly Story[]> {
    const records = await Promise.all(items.map(({ cursor }) => this.#at(positionOf(cursor), true)))
    const there = records.filter((record) => record !== undefined)
    return this.#stories(there.filter(({ value }) => !isAttempt(value)))
  }

  async storiesOfCourier(queueIds: readonly string[]): Promise<readonly Story[]> {
    const attempts = await this.#attempts(queueIds, 0)
    const told = queueIds.map((id) => [id, attempts.get(id) ?? []] as const)
    return told
      .filter(([, ofIt]) => ofIt.length > 0)
      .map(([id, ofIt]) => storyOf(enteredUnseen(id, ofIt), { chain: {}, attempts: ofIt }))
  }

  async extent(): Promise<TraceExtent> {
    const { newest: _, ...extent } = await this.#archive.extent()
    return extent
  }

  close(): Promise<void> {
    return this.#archive.close()
  }

  async #page(
    question: TraceQuestion,
    query: Pick<TraceQuery, 'since' | 'until' | 'text' | 'order' | 'limit' | 'cursor'>,
    details = false,
  ): Promise<{ readonly rows: readonly ArchivedRecord[]; readonly next?: number }> {
    const limit = within(query.limit ?? usualLimit)
    const found: ArchivedRecord[] = []
    let beyond = query.cursor === undefined ? undefined : positionOf(query.cursor)
    // A text is looked for as long as one answer may take: whoever wants more asks for the next page.
    const rounds = query.text === undefined ? mostRounds : 1
    for (let round = 0; round < rounds; round++) {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
      const { rows, next } = await this.#archive.find({
        conditions: question.conditions,
        ...(query.since === undefined ? {} : { since: query.since }),
        ...(query.until === undefined ? {} : { until: query.until }),
        ...(query.text === undefined ? {} : { contains: jsonText(query.text) }),
        order: query.order ?? 'newest',
        ...(beyond === undefined ? {} : { beyond }),
        limit: limit - found.length,
        details,
      })
      found.push(...rows.filter(({ value }) => question.matches(value)))
      if (next === undefined) return { rows: found }
      beyond = next
      if (found.length >= limit) break
    }
    return { rows: found, ...(beyond === undefined ? {} : { next: beyond }) }
  }

  async #find(which: string): Promise<ArchivedRecord | undefined> {
    const question = which === 'last' ? traceQuestion({}) : namedQuestion(which)
    const limit = which === 'last' ? 1 : mostOfOneSession
    const { rows } = await this.#page(question, { limit }, true)
    // The id of a session is that of its transactions' records too: what is named itself comes first.
    return rows.find(({ value }) => value['id'] === which) ?? rows[0]
  }

  async #at(position: number, details = false): Promise<ArchivedRecord | undefined> {
    const { rows } = await this.#archive.find({
      conditions: [],
      order: 'newest',
      beyond: position + 1,
      limit: 1,
      details,
    })
    return rows.find((row) => row.position === position)
  }

  /** The attempts of all of them are looked for together. */
  async #stories(records: readonly ArchivedRecord[]): Promise<readonly Story[]> {
    const queued = records.filter(({ value }) => texts(value['queueIds']).length > 0)
    const queueIds = queued.flatMap(({ value }) => texts(value['queueIds']))
    const oldest = Math.min(...queued.map(({ position }) => position))
    const attempts = await this.#attempts(queueIds, Math.max(oldest - mostOutOfOrder, 0))
    return Promise.all(
      records.map(async (record) =>
        storyOf(wholeRecord(record.value, record.detail), {
          chain: object(await this.#archive.note(text(record.value['chain']))),
          attempts: texts(record.value['queueIds'])
            .flatMap((id) => attempts.get(id) ?? [])
            .toSorted((a, b) => a.startedAt - b.startedAt),
          cursor: cursorOf(record.position),
        }),
      ),
    )
  }

  /** By the message, oldest first. */
  async #attempts(
    queueIds: readonly string[],
    beyond: number,
  ): Promise<ReadonlyMap<string, readonly Attempt[]>> {
    if (queueIds.length === 0) return new Map()
    const { rows } = await this.#archive.find({
      conditions: [anyOf('queueId', queueIds), attemptRanges],
      order: 'oldest',
      beyond,
      limit: mostAttempts * queueIds.length,
    })
    return Map.groupBy(
      rows.map(({ value }) => readAttempt(value)),
      ({ queueId }) => queueId,
    )
  }
}

function anyOf(kind: TermKind, values: readonly string[]): readonly TermRange[] {
  return values.map((value) => exactly(textTerm(kind, value)))
}

/** A message of which only the courier has told. */
function enteredUnseen(queueId: string, attempts: readonly Attempt[]): JsonObject {
  const [first] = attempts
  const tries = attempts.filter(({ outcome }) => outcome !== 'told')
  return enteredBeside({
    queueId,
    at: first?.receivedAt ?? first?.startedAt ?? 0,
    reversePath: first?.reversePath,
    recipients: [...new Set(tries.map(({ recipient }) => recipient))],
  })
}

/** As it stands in the JSON of a record. */
function jsonText(wanted: string): string {
  return JSON.stringify(wanted).slice(1, -1).toLowerCase()
}

function within(limit: number): number {
  return Number.isInteger(limit) ? Math.min(Math.max(limit, 1), mostItems) : usualLimit
}

function listed({ position, value }: ArchivedRecord): TraceSummary {
  return summaryOf(value, cursorOf(position))
}

function nextOf(position: number | undefined): { readonly next?: string } {
  return position === undefined ? {} : { next: cursorOf(position) }
}

function cursorOf(position: number): string {
  return position.toString(36)
}

function positionOf(cursor: string): number {
  if (!/^[0-9a-z]{1,11}$/.test(cursor)) {
    throw new PosternError('CONFIG_INVALID', 'that is no place in the traces')
  }
  return Number.parseInt(cursor, 36)
}
