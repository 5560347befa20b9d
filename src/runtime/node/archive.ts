/**
 * The archive on node:sqlite, in a thread of its own: what is to be written is gathered and goes together. Nothing here blocks
 * the event loop, and nothing waits without bound.
 */
import { PosternError } from '../../mail/errors.ts'
import { parseJson, type JsonObject, type JsonValue } from '../../mail/json.ts'
import type {
  Archive,
  ArchiveAnswer,
  ArchiveBounds,
  ArchiveExtent,
  ArchiveQuestion,
  ArchiveTally,
  DescribeRecord,
  RecordAbout,
  TallyQuestion,
  Term,
} from '../archive.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Log } from '../log.ts'
import type {
  ArchiveData,
  ArchiveNews,
  ArchiveReply,
  ArchiveRequest,
  RecordBatch,
} from './archive-protocol.ts'
import { GrowingBatch } from './archive-batch.ts'
import { answerOf } from './archive-reader.ts'
import { DatabaseThread } from './database-thread.ts'

/** Records of one transaction. */
const largestBatch = 1000
/** What is written is gathered so long: waking the thread costs more than most of what it is given. */
const gatherMs = 100
/** More than so many that wait, or so much of them, is dropped. */
const mostWaiting = 20_000
const mostWaitingBytes = 64 * 1_048_576
/** After a failure nothing is written so long: records wait meanwhile, and are dropped as those are of which too many wait. */
const retryMs = 5000
/** Of those that were noted last, so many are noted again when the file is a new one. */
const mostRecalled = 8
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

/**
 * For whoever writes it opens always: where the file cannot be opened that is logged, and tried again with the records to come.
 * @throws PosternError STORE_FAILED where the file cannot be opened that is only to be read
 */
export async function openArchive(parts: ArchiveParts): Promise<Archive> {
  const { path, clock, log, describer, bounds } = parts
  const thread = new DatabaseThread<ArchiveRequest, ArchiveReply, ArchiveNews>({
    path,
    log,
    heard: ({ damagedSegment: segment }) => log.error('traces.index-damaged', { path, segment }),
    program: new URL('./archive.worker.ts', import.meta.url),
    data: (): ArchiveData => ({
      path,
      now: clock.now(),
      describer: describer.href,
      ...(bounds === undefined ? {} : { bounds }),
    }),
  })
  await thread.open().catch((error: unknown) => {
    if (bounds === undefined) throw error
    log.error('traces.not-open', { path, error: String(error) })
  })
  const module: { readonly describeRecord: DescribeRecord } = await import(describer.href)
  return new SqliteArchive(thread, parts, module.describeRecord)
}

class SqliteArchive implements Archive {
  readonly #thread: DatabaseThread<ArchiveRequest, ArchiveReply, ArchiveNews>
  readonly #parts: ArchiveParts
  /** Asked here, where the record is at hand: the thread would have to parse it first. */
  readonly #describe: DescribeRecord
  /** Not given to the thread yet, each but the last one full. */
  #batches: GrowingBatch[] = []
  /** Of all batches but the last. */
  #fullBytes = 0
  #notes: (readonly [string, string])[] = []
  /** Given to the thread, not answered yet. */
  #underWay = 0
  #writing: Promise<void> | undefined
  #gathering: Timer | undefined
  #tidying: Timer | undefined
  #dropped = 0
  /** So many wait until all is written that came before their question. */
  #asking = 0
  /** Records and notes that came, and of these, those that were written or dropped. */
  #taken = 0
  #settled = 0
  /** The write that is under way. */
  #batch: Promise<boolean> | undefined
  #closed = false
  /** Written lately, the latest last. */
  readonly #recalled = new Map<string, string>()
  /** Of the thread that wrote them. */
  #starts: number
  /** Before it nothing is written, on the monotonic clock. */
  #pausedUntilMs = -Infinity

  constructor(
    thread: DatabaseThread<ArchiveRequest, ArchiveReply, ArchiveNews>,
    parts: ArchiveParts,
    describe: DescribeRecord,
  ) {
    this.#thread = thread
    this.#describe = describe
    this.#starts = thread.starts
    this.#parts = parts
    if (parts.bounds !== undefined) this.#tidyLater()
  }

  get waiting(): number {
    return this.#gathered + this.#underWay
  }

  get #gathered(): number {
    const full = Math.max(this.#batches.length - 1, 0)
    return full * largestBatch + (this.#batches.at(-1)?.records ?? 0)
  }

  get dropped(): number {
    return this.#dropped
  }

  addLater(value: JsonObject, about: RecordAbout): void {
    const batch = this.#closed ? undefined : this.#roomyBatch()
    if (batch === undefined) {
      this.#dropped += 1
      return
    }
    batch.add(value, about, this.#termsOf(value))
    this.#taken += 1
    if (this.#gathered >= largestBatch && this.#pauseMs === 0) this.#begin()
    else this.#gather()
  }

  /** @returns undefined where too many records wait, or too much of them */
  #roomyBatch(): GrowingBatch | undefined {
    const last = this.#batches.at(-1)
    const lastBytes = last?.sizeBytes ?? 0
    if (this.#gathered >= mostWaiting || this.#fullBytes + lastBytes > mostWaitingBytes) return
    if (last !== undefined && last.records < largestBatch) return last
    this.#fullBytes += lastBytes
    const next = new GrowingBatch()
    this.#batches.push(next)
    return next
  }

  /** A record that cannot be described is there, and found by nothing. */
  #termsOf(value: JsonObject): readonly Term[] {
    try {
      return this.#describe(value)
    } catch {
      return []
    }
  }

  noteLater(key: string, value: JsonValue): void {
    if (this.#closed || this.#notes.length >= mostWaiting) return
    this.#notes.push([key, JSON.stringify(value)])
    this.#taken += 1
    this.#gather()
  }

  async note(key: string): Promise<JsonValue | undefined> {
    const reply = await this.#ask({ do: 'note', key })
    if (!('note' in reply) || reply.note === undefined) return undefined
    return parseJson(reply.note)
  }

  async find(question: ArchiveQuestion): Promise<ArchiveAnswer> {
    const reply = await this.#ask({ do: 'find', question })
    return 'found' in reply ? answerOf(reply.found) : { rows: [] }
  }

  async tally(question: TallyQuestion): Promise<ArchiveTally> {
    const reply = await this.#ask({ do: 'tally', question })
    if ('tally' in reply) return reply.tally
    return { counts: [], upTo: question.beyond, isComplete: true }
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

  /** What was taken before is written first, so that whoever asks finds it; what comes later is not waited for. */
  async #ask(request: ArchiveRequest): Promise<Extract<ArchiveReply, { readonly ok: true }>> {
    if (this.#closed) throw new PosternError('STORE_FAILED', 'it is closed')
    const before = this.#taken
    this.#asking += 1
    this.#begin()
    // oxlint-disable-next-line no-await-in-loop -- one batch after the other
    while (this.#writing !== undefined && this.#settled < before) await this.#batch
    this.#asking -= 1
    const reply = await this.#thread.ask(request)
    if (!reply.ok) throw new PosternError('STORE_FAILED', reply.error)
    return reply
  }

  #gather(): void {
    this.#gathering ??= this.#parts.clock.after(Math.max(gatherMs, this.#pauseMs), () =>
      this.#begin(),
    )
  }

  get #pauseMs(): number {
    return Math.max(this.#pausedUntilMs - this.#parts.clock.monotonicMs(), 0)
  }

  #begin(): void {
    this.#gathering?.cancel()
    this.#gathering = undefined
    if (this.#isEmpty) return
    this.#writing ??= this.#writeAll()
  }

  get #isMuch(): boolean {
    if (!this.#closed && this.#asking === 0) return this.#gathered >= largestBatch
    return !this.#isEmpty
  }

  get #isEmpty(): boolean {
    return this.#batches.length === 0 && this.#notes.length === 0
  }

  /** What comes meanwhile is gathered again, unless somebody waits for it: each batch would be as small as can be. */
  async #writeAll(): Promise<void> {
    do {
      const batch = this.#batches.shift() ?? new GrowingBatch()
      const notes = this.#notes.splice(0)
      const { records } = batch
      this.#underWay = records
      // The one behind it is the last, whose bytes are not counted among those of the full ones.
      if (this.#batches.length > 0) this.#fullBytes -= batch.sizeBytes
      this.#batch = this.#write(batch, notes)
      // oxlint-disable-next-line no-await-in-loop -- one batch after the other
      const written = await this.#batch
      this.#underWay = 0
      this.#settled += records
      if (!written) break
      this.#settled += notes.length
      this.#recall(notes)
    } while (this.#isMuch)
    this.#writing = undefined
    if (!this.#isEmpty) this.#gather()
  }

  /** What records refer to must lie in the file that they lie in, and a thread that is started anew may have made a new one. */
  #recall(written: RecordBatch['notes']): void {
    for (const [key, json] of written) {
      this.#recalled.delete(key)
      this.#recalled.set(key, json)
    }
    for (const oldest of this.#recalled.keys()) {
      if (this.#recalled.size <= mostRecalled) break
      this.#recalled.delete(oldest)
    }
    if (this.#thread.starts === this.#starts) return
    this.#starts = this.#thread.starts
    this.#notes.push(...this.#recalled)
    this.#taken += this.#recalled.size
  }

  /** @returns whether they were written; records that were not are dropped, notes wait for the next time */
  async #write(records: GrowingBatch, notes: RecordBatch['notes']): Promise<boolean> {
    const { clock, log, path } = this.#parts
    try {
      const batch = records.finish(notes)
      const reply = await this.#thread.ask({ do: 'add', batch, now: clock.now() }, [
        batch.values.buffer,
      ])
      if (!reply.ok) throw new Error(reply.error)
      return true
    } catch (error) {
      this.#dropped += records.records
      this.#notes.unshift(...notes)
      this.#pausedUntilMs = clock.monotonicMs() + retryMs
      log.error('traces.not-kept', { path, records: records.records, error: String(error) })
      return false
    }
  }

  #tidyLater(): void {
    const { clock, log, path } = this.#parts
    this.#tidying = clock.after(tidyEveryMs, () => {
      this.#thread.ask({ do: 'tidy', now: clock.now() }).catch((error: unknown) => {
        log.error('traces.not-open', { path, error: String(error) })
      })
      this.#tidyLater()
    })
  }
}
