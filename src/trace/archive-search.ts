/** Searches the traces in an archive. It reads only, so it works beside a gateway as well as within one. */
import { PosternError } from '../mail/errors.ts'
import type { JsonObject } from '../mail/json.ts'
import { normalMessageId } from '../mail/message-id.ts'
import type { Archive, ArchivedRecord, TermRange } from '../runtime/archive.ts'
import type { Attempt } from '../filter/attempts.ts'
import { object, text, texts } from '../filter/read-json.ts'
import { redecide } from '../filter/redecide.ts'
import { readAttempt, readRecord } from '../filter/trace-reader.ts'
import { counterfactuals } from './counterfactual.ts'
import { recordRange, traceQuestion } from './question.ts'
import type { Story } from './story.ts'
import { summaryOf } from './summary.ts'
import { exactly, textTerm, type TermKind } from './terms.ts'
import type { TraceExtent, TracePage, TraceQuery, TraceSearch } from './trace-search.ts'

const usualLimit = 50
const mostItems = 1000
const mostAttempts = 1000
/** A question that finds nothing in what it may read at once is asked on, so often. */
const mostRounds = 4

export class ArchiveTraceSearch implements TraceSearch {
  readonly #archive: Archive

  constructor(archive: Archive) {
    this.#archive = archive
  }

  async search(query: TraceQuery): Promise<TracePage> {
    const { rows, next } = await this.#records(query)
    return {
      items: rows.map(({ value }) => summaryOf(value)),
      ...(next === undefined ? {} : { next: cursorOf(next) }),
    }
  }

  async newSince(cursor?: string, limit = usualLimit): Promise<Required<TracePage>> {
    if (cursor === undefined) {
      const { newest } = await this.#archive.extent()
      return { items: [], next: cursorOf(newest) }
    }
    const { rows, next } = await this.#archive.find({
      conditions: [[recordRange('transaction')]],
      order: 'oldest',
      beyond: positionOf(cursor),
      limit: within(limit),
    })
    const last = next ?? rows.at(-1)?.position ?? positionOf(cursor)
    return { items: rows.map(({ value }) => summaryOf(value)), next: cursorOf(last) }
  }

  async read(which: string): Promise<Story | undefined> {
    const record = await this.#find(which)
    if (record !== undefined) return this.#story(record)
    const attempts = await this.#attempts([which])
    return attempts.length === 0 ? undefined : this.#story(enteredUnseen(which, attempts), attempts)
  }

  async extent(): Promise<TraceExtent> {
    const { newest: _, ...extent } = await this.#archive.extent()
    return extent
  }

  close(): Promise<void> {
    return this.#archive.close()
  }

  async #records(
    query: TraceQuery,
  ): Promise<{ readonly rows: readonly ArchivedRecord[]; readonly next?: number }> {
    const question = traceQuestion(query)
    const limit = within(query.limit ?? usualLimit)
    const found: ArchivedRecord[] = []
    let beyond = query.cursor === undefined ? undefined : positionOf(query.cursor)
    for (let round = 0; round < mostRounds; round++) {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
      const { rows, next } = await this.#archive.find({
        conditions: question.conditions,
        ...(query.since === undefined ? {} : { since: query.since }),
        ...(query.until === undefined ? {} : { until: query.until }),
        ...(query.text === undefined ? {} : { contains: jsonText(query.text) }),
        order: query.order ?? 'newest',
        ...(beyond === undefined ? {} : { beyond }),
        limit: limit - found.length,
      })
      found.push(...rows.filter(({ value }) => question.matches(value)))
      if (next === undefined) return { rows: found }
      beyond = next
      if (found.length >= limit) break
    }
    return { rows: found, ...(beyond === undefined ? {} : { next: beyond }) }
  }

  async #find(which: string): Promise<JsonObject | undefined> {
    const queries: readonly TraceQuery[] =
      which === 'last' ? [{}] : [{ id: which }, { queueId: which }, { messageId: which }]
    for (const query of queries) {
      // oxlint-disable-next-line no-await-in-loop -- mostly the first one finds it
      const { rows } = await this.#records({ ...query, limit: 1 })
      const [row] = rows
      if (row !== undefined) return row.value
    }
    return undefined
  }

  async #story(record: JsonObject, known?: readonly Attempt[]): Promise<Story> {
    const [chain, attempts] = await Promise.all([
      this.#archive.note(text(record['chain'])),
      known ?? this.#attempts(texts(record['queueIds'])),
    ])
    const trace = readRecord(record, object(chain), attempts)
    return {
      ...trace,
      summary: summaryOf(record),
      rulings: redecide(trace)?.recipients ?? [],
      counterfactuals: counterfactuals(trace),
    }
  }

  async #attempts(queueIds: readonly string[]): Promise<readonly Attempt[]> {
    if (queueIds.length === 0) return []
    const { rows } = await this.#archive.find({
      conditions: [anyOf('queueId', queueIds), [recordRange('attempt')]],
      order: 'oldest',
      limit: mostAttempts,
    })
    return rows
      .map(({ value }) => readAttempt(value))
      .filter(({ queueId }) => queueIds.includes(queueId))
  }
}

function anyOf(kind: TermKind, values: readonly string[]): readonly TermRange[] {
  return values.map((value) => exactly(textTerm(kind, value)))
}

/** A message of which only the courier has told. */
function enteredUnseen(queueId: string, attempts: readonly Attempt[]): JsonObject {
  const at = attempts[0]?.startedAt ?? 0
  const recipients = [...new Set(attempts.map(({ recipient }) => recipient))]
  return {
    id: queueId,
    session: '',
    at,
    endedAt: at,
    listener: '',
    remote: '',
    stage: 'message',
    end: 'committed',
    via: 'queue',
    queueIds: [queueId],
    recipients: recipients.map((address) => [address, 1]),
  }
}

/** As it stands in the JSON of a record. */
function jsonText(wanted: string): string {
  return JSON.stringify(wanted).slice(1, -1).toLowerCase()
}

function within(limit: number): number {
  return Number.isInteger(limit) ? Math.min(Math.max(limit, 1), mostItems) : usualLimit
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

/** Message-IDs as they are recorded; what else it is does not matter. */
export function looksLikeMessageId(which: string): boolean {
  return which.startsWith('<') && which !== '<>' && normalMessageId(which) !== undefined
}
