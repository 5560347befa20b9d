/**
 * The archive on node:sqlite, in a thread of its own: what is to be written is gathered and goes together. Nothing here blocks
 * the event loop, and nothing waits without bound.
 */
import { PosternError } from '../../mail/errors.ts'
import type { JsonObject, JsonValue } from '../../mail/json.ts'
import type {
  Archive,
  ArchiveAnswer,
  ArchiveBounds,
  ArchiveExtent,
  ArchiveQuestion,
  RecordAbout,
} from '../archive.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Log } from '../log.ts'
import type { ArchiveData, ArchiveReply, ArchiveRequest, RecordBatch } from './archive-protocol.ts'
import { parseObject } from './archive-reader.ts'
import { DatabaseThread } from './database-thread.ts'

/** Records of one transaction. */
const largestBatch = 1000
/** What is written is gathered so long: waking the thread costs more than most of what it is given. */
const gatherMs = 100
/** More than so many that wait, or so much of them, is dropped. */
const mostWaiting = 20_000
const mostWaitingChars = 64 * 1_048_576
/** Records grow old even where none are written. */
const tidyEveryMs = 60_000

export interface ArchiveParts {
  readonly path: string
  /** The module whose `describeRecord` says by what a record is found. */
  readonly describer: URL
  readonly clock: Clock
  readonly log: Log
  /** Missing: only for reading, beside whoever writes. */
  readonly bounds?: ArchiveBounds
}

/** @throws PosternError STORE_FAILED where the file cannot be opened */
export async function openArchive(parts: ArchiveParts): Promise<Archive> {
  const { path, clock, log, describer, bounds } = parts
  const thread = new DatabaseThread<ArchiveRequest, ArchiveReply>({
    path,
    log,
    program: new URL('./archive.worker.ts', import.meta.url),
    data: (): ArchiveData => ({
      path,
      now: clock.now(),
      describer: describer.href,
      ...(bounds === undefined ? {} : { bounds }),
    }),
  })
  await thread.open()
  return new SqliteArchive(thread, parts)
}

interface Waiting {
  readonly about: RecordAbout
  readonly json: string
}

class SqliteArchive implements Archive {
  readonly #thread: DatabaseThread<ArchiveRequest, ArchiveReply>
  readonly #parts: ArchiveParts
  #records: Waiting[] = []
  #chars = 0
  #notes: (readonly [string, string])[] = []
  /** Given to the thread, not answered yet. */
  #underWay = 0
  #writing: Promise<void> | undefined
  #gathering: Timer | undefined
  #tidying: Timer | undefined
  #dropped = 0
  #closed = false

  constructor(thread: DatabaseThread<ArchiveRequest, ArchiveReply>, parts: ArchiveParts) {
    this.#thread = thread
    this.#parts = parts
    if (parts.bounds !== undefined) this.#tidyLater()
  }

  get waiting(): number {
    return this.#records.length + this.#underWay
  }

  get dropped(): number {
    return this.#dropped
  }

  addLater(value: JsonObject, about: RecordAbout): void {
    if (this.#closed || this.#records.length >= mostWaiting || this.#chars > mostWaitingChars) {
      this.#dropped += 1
      return
    }
    const json = JSON.stringify(value)
    this.#records.push({ about, json })
    this.#chars += json.length
    if (this.#records.length >= largestBatch) this.#begin()
    else this.#gather()
  }

  noteLater(key: string, value: JsonValue): void {
    if (this.#closed || this.#notes.length >= mostWaiting) return
    this.#notes.push([key, JSON.stringify(value)])
    this.#gather()
  }

  async note(key: string): Promise<JsonValue | undefined> {
    const reply = await this.#ask({ do: 'note', key })
    if (!('note' in reply) || reply.note === undefined) return undefined
    const value: JsonValue = JSON.parse(reply.note)
    return value
  }

  async find(question: ArchiveQuestion): Promise<ArchiveAnswer> {
    const reply = await this.#ask({ do: 'find', question })
    if (!('found' in reply)) return { rows: [] }
    const { rows, next } = reply.found
    return {
      rows: rows.map(([position, json]) => ({ position, value: parseObject(json) })),
      ...(next === undefined ? {} : { next }),
    }
  }

  async extent(): Promise<ArchiveExtent> {
    const reply = await this.#ask({ do: 'extent' })
    return 'extent' in reply ? reply.extent : { newest: 0, sizeBytes: 0 }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#tidying?.cancel()
    this.#begin()
    await this.#writing
    await this.#thread.close()
  }

  /** What was taken before is written first, so that whoever asks finds it. */
  async #ask(request: ArchiveRequest): Promise<Extract<ArchiveReply, { readonly ok: true }>> {
    if (this.#closed) throw new PosternError('STORE_FAILED', 'it is closed')
    this.#begin()
    await this.#writing
    const reply = await this.#thread.ask(request)
    if (!reply.ok) throw new PosternError('STORE_FAILED', reply.error)
    return reply
  }

  #gather(): void {
    this.#gathering ??= this.#parts.clock.after(gatherMs, () => this.#begin())
  }

  #begin(): void {
    this.#gathering?.cancel()
    this.#gathering = undefined
    if (this.#records.length === 0 && this.#notes.length === 0) return
    this.#writing ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    while (this.#records.length > 0 || this.#notes.length > 0) {
      const records = this.#records.splice(0, largestBatch)
      const notes = this.#notes.splice(0)
      this.#underWay = records.length
      for (const { json } of records) this.#chars -= json.length
      // oxlint-disable-next-line no-await-in-loop -- one batch after the other
      await this.#write(records, notes)
      this.#underWay = 0
    }
    this.#writing = undefined
  }

  async #write(records: readonly Waiting[], notes: RecordBatch['notes']): Promise<void> {
    const { clock, log, path } = this.#parts
    try {
      const batch = encode(records, notes)
      const reply = await this.#thread.ask({ do: 'add', batch, now: clock.now() })
      if (!reply.ok) throw new Error(reply.error)
    } catch (error) {
      this.#dropped += records.length
      log.error('traces.not-kept', { path, records: records.length, error: String(error) })
    }
  }

  #tidyLater(): void {
    const { clock } = this.#parts
    this.#tidying = clock.after(tidyEveryMs, () => {
      this.#thread.ask({ do: 'tidy', now: clock.now() }).catch(() => {})
      this.#tidyLater()
    })
  }
}

function encode(records: readonly Waiting[], notes: RecordBatch['notes']): RecordBatch {
  return {
    ats: Float64Array.from(records, ({ about }) => about.at),
    lengths: Int32Array.from(records, ({ about, json }) =>
      about.counts ? json.length : -json.length,
    ),
    values: records.map(({ json }) => json).join(''),
    notes,
  }
}
