/**
 * How messages leave the queue: done, removed, or set aside because their record is damaged. What a message needed on
 * the disk goes only when its leaving is durable; what is damaged moves to `damaged/` and goes never.
 */
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { encodeStateChange, type StateChange } from './change-meta.ts'
import type { Committer } from './committer.ts'
import { setAside, setAsideFile } from './damaged.ts'
import type { BrokenRecord } from './entry-loader.ts'
import type { MessageIndex } from './message-index.ts'
import type { QueuedEntry, StoredRecord } from './queued-entry.ts'
import { unplacedRecord } from './record.ts'
import type { SegmentLog } from './segment-log.ts'
import type { SpoolLayout } from './spool-layout.ts'

/** Messages named by one record. */
const namedAtOnce = 1_000

/** Every recipient was dealt with, or an operator removed it. */
type DepartureEvent = 'message.ended' | 'message.removed'

export interface DeparturesOptions {
  readonly disk: Disk
  readonly log: Log
  readonly layout: SpoolLayout
  readonly index: MessageIndex
  readonly segments: SegmentLog
  readonly committer: Committer
  /** Called when a record has died. */
  readonly died: () => void
}

export class Departures {
  readonly #options: DeparturesOptions

  constructor(options: DeparturesOptions) {
    this.#options = options
  }

  /** Out of the index at once; durable when this resolves. @throws PosternError SPOOL_CLOSED */
  async finish(
    entries: readonly QueuedEntry[],
    { when, event }: { readonly when: 'now' | 'soon'; readonly event: DepartureEvent },
  ): Promise<void> {
    const dead = this.#takeOut(entries)
    for (const { id } of entries) this.#options.log.info(event, { queueId: id })
    await recordState(this.#options.committer, { verb: 'done', at: 0, entries }, when)
    for (const { large } of dead) if (large !== undefined) await this.#removeLarge(large)
  }

  /** One reason less to keep the record; what it needed goes when its last message is durably gone. */
  async letGo(record: StoredRecord): Promise<void> {
    const { segments, committer, died } = this.#options
    record.live -= 1
    if (record.live > 0) return
    segments.drop(record)
    died()
    if (record.large === undefined) return
    // Records go out in order: once this one is durable, so is the leaving of the last message.
    const nothing = encodeStateChange({ verb: 'done', at: 0, numbers: [] })
    await committer.append(unplacedRecord('state', nothing), 'soon')
    await this.#removeLarge(record.large)
  }

  /** Out of the queue, into `damaged/`. @throws PosternError DISK_FULL, DISK_FAILED: it stays queued */
  async setAside(entry: QueuedEntry, { reason, bytes }: BrokenRecord): Promise<void> {
    const { disk, layout, log, index, committer } = this.#options
    const path = await setAside(disk, layout.damaged, { name: entry.id, reason, bytes })
    log.error('spool.record-damaged', { id: entry.id, reason, path })
    if (!index.has(entry)) return
    for (const { large } of this.#takeOut([entry])) {
      if (large !== undefined) await this.#moveLarge(large, entry.id)
    }
    const left = recordState(committer, { verb: 'done', at: 0, entries: [entry] }, 'soon')
    // Should the spool close first, the next start finds the record once more, and its copy in damaged/.
    void left.catch(() => undefined)
  }

  /** @returns the records that nobody needs any more */
  #takeOut(entries: readonly QueuedEntry[]): readonly StoredRecord[] {
    const { index, segments, died } = this.#options
    const dead: StoredRecord[] = []
    for (const entry of entries) {
      index.remove(entry)
      entry.record.live -= 1
      if (entry.record.live === 0) dead.push(entry.record)
    }
    for (const record of dead) segments.drop(record)
    if (dead.length > 0) died()
    return dead
  }

  async #removeLarge(name: string): Promise<void> {
    const { disk, layout, log } = this.#options
    const path = `${layout.large}/${name}`
    try {
      await disk.remove(path)
    } catch (error) {
      log.warn('spool.file-not-removed', { path, error: String(error) })
    }
  }

  async #moveLarge(large: string, name: string): Promise<void> {
    const { disk, layout, log } = this.#options
    const from = `${layout.large}/${large}`
    try {
      await setAsideFile(disk, { from, folder: layout.damaged, name, kind: 'large' })
    } catch (error) {
      log.warn('spool.file-not-set-aside', { path: from, error: String(error) })
    }
  }
}

/** Resolves when the change is durable. @throws PosternError SPOOL_CLOSED */
export async function recordState(
  committer: Committer,
  change: Omit<StateChange, 'numbers'> & { readonly entries: readonly QueuedEntry[] },
  when: 'now' | 'soon',
): Promise<void> {
  const { verb, at, entries } = change
  const written: Promise<unknown>[] = []
  for (let from = 0; from < entries.length; from += namedAtOnce) {
    const numbers = entries.slice(from, from + namedAtOnce).map(({ number }) => number)
    const meta = encodeStateChange({ verb, at, numbers })
    written.push(committer.append(unplacedRecord('state', meta), when))
  }
  await Promise.all(written)
}
