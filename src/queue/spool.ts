/**
 * The queue on a disk. Every change is applied to the index first and then written; a commit is the exception: it is in
 * the index only once it is durable. README.md tells what lies on the disk and what recovery makes of it.
 */
import assert from 'node:assert/strict'
import { PosternError } from '../mail/errors.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Instant } from '../mail/instant.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk, DiskLock } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { Announcer } from './announcer.ts'
import { Arrivals } from './arrivals.ts'
import { encodeOutcome } from './change-meta.ts'
import { Cleaner } from './cleaner.ts'
import type { Committer } from './committer.ts'
import { listDamaged } from './damaged.ts'
import { Departures, recordState } from './departures.ts'
import type { DraftBudget } from './draft-budget.ts'
import { SpoolDraft, type DraftDesk } from './draft.ts'
import { afterRound, othersDueAt, whoIsDue } from './due-times.ts'
import { BrokenRecord, type EntryLoader } from './entry-loader.ts'
import { EntrySearch } from './entry-search.ts'
import { Incoming, type HandedOver, type HandedShares } from './incoming.ts'
import { LargeFile } from './large-file.ts'
import type { MessageIndex } from './message-index.ts'
import { queueId, type QueueNumbers } from './queue-id.ts'
import type { QueuedEntry, StoredRecord } from './queued-entry.ts'
import type {
  Claim,
  Damaged,
  Draft,
  Entry,
  EntryHead,
  Queue,
  QueueChange,
  QueueId,
  RecipientState,
  RetryTimes,
  Selector,
  Unsubscribe,
} from './queue.ts'
import { surveyStates, type QueueSurvey } from './queue-survey.ts'
import { stateOf } from './recipient-states.ts'
import { unplacedRecord } from './record.ts'
import type { SegmentLog } from './segment-log.ts'
import { isChangedBy } from './selection.ts'
import type { SpoolLayout } from './spool-layout.ts'

/** How long to leave a message alone that cannot be read. */
const unreadableMs = 60_000

export interface SpoolParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly layout: SpoolLayout
  readonly lock: DiskLock
  readonly segments: SegmentLog
  readonly committer: Committer
  readonly index: MessageIndex
  readonly loader: EntryLoader
  readonly numbers: QueueNumbers
  readonly segmentBytes: number
  readonly inlineBytes: number
  readonly budget: DraftBudget
  readonly handedShares?: HandedShares
  readonly handedOver?: (handed: HandedOver) => void
  /** Records of messages whose file is still in `incoming/`. */
  readonly takenIn: ReadonlyMap<string, StoredRecord>
  /** Ends the files that the spool writes to. */
  closeFiles(): Promise<void>
}

export class Spool implements Queue {
  readonly #parts: SpoolParts
  readonly #index: MessageIndex
  readonly #committer: Committer
  readonly #arrivals: Arrivals
  readonly #departures: Departures
  readonly #cleaner: Cleaner
  readonly #desk: DraftDesk
  readonly #incoming: Incoming
  readonly #search: EntrySearch
  readonly #claims = new Map<Claim, QueuedEntry>()
  /** Somebody has wanted them tried while they were being tried: what was begun before is not what they meant. */
  readonly #hurried = new Set<QueuedEntry>()
  readonly #announcer: Announcer
  #closing: Promise<void> | undefined

  constructor(parts: SpoolParts) {
    const { index, committer, segments, loader, segmentBytes, log } = parts
    this.#parts = parts
    this.#index = index
    this.#committer = committer
    const announcer = new Announcer(parts.clock, () => index.nextDueAt())
    const departures = new Departures({ ...parts, died: () => this.#cleaner.consider() })
    this.#announcer = announcer
    this.#departures = departures
    this.#arrivals = new Arrivals({ ...parts, announcer, departures })
    this.#search = new EntrySearch({ index, loader, departures })
    this.#cleaner = new Cleaner({
      segments,
      committer,
      index,
      loader,
      segmentBytes,
      broken: (entry, record) => departures.setAside(entry, record),
      failed: (error) => log.warn('spool.cleaning-failed', { error: String(error) }),
    })
    this.#desk = this.#makeDesk()
    this.#incoming = new Incoming({
      ...parts,
      takenIn: parts.takenIn.keys(),
      begin: (name) => new SpoolDraft(this.#desk, name),
      gone: (names) => this.#arrivals.letGo(names),
    })
  }

  /** From here on what other programs hand over is taken in. */
  openIncoming(): void {
    this.#incoming.open()
  }

  get size(): number {
    return this.#index.size
  }

  survey(): QueueSurvey {
    const { segments } = this.#parts
    return {
      states: surveyStates(this.#index.values()),
      segments: segments.count,
      logBytes: segments.sizeBytes,
      liveBytes: segments.liveBytes,
    }
  }

  begin(): Draft {
    if (this.#closing !== undefined) throw new PosternError('SPOOL_CLOSED')
    return new SpoolDraft(this.#desk)
  }

  due(now: Instant, limit: number): readonly EntryHead[] {
    return this.#index.due(now, limit)
  }

  nextDueAt(): Instant | undefined {
    return this.#index.nextDueAt()
  }

  onDue(listener: () => void): Unsubscribe {
    return this.#announcer.onDue(listener)
  }

  onQuarantined(listener: (ids: readonly QueueId[]) => void): Unsubscribe {
    return this.#announcer.onQuarantined(listener)
  }

  async claim(
    id: QueueId,
    even?: 'held',
    whom: (recipient: Recipient) => boolean = () => true,
  ): Promise<Claim | undefined> {
    const entry = this.#index.get(id)
    if (entry === undefined || entry.claimed || (entry.held && even !== 'held')) return undefined
    this.#index.update(entry, () => (entry.claimed = true))
    this.#hurried.delete(entry)
    const loaded = await this.#load(entry)
    if (loaded === undefined || !this.#index.has(entry)) return undefined
    const now = even === 'held' ? Infinity : this.#parts.clock.now()
    const claim = { entry: loaded, ...whoIsDue(loaded, now, whom) }
    if (claim.recipients.length === 0) {
      this.#index.update(entry, () => (entry.claimed = false))
      return undefined
    }
    this.#claims.set(claim, entry)
    return claim
  }

  async settle(
    claim: Claim,
    results: readonly DeliveryResult[],
    retryAt: RetryTimes,
  ): Promise<void> {
    assert(results.length === claim.recipientIndexes.length, 'one result for each recipient tried')
    const isHurried = this.#isHurried(claim)
    const entry = this.#giveBack(claim)
    if (entry === undefined) return
    const tries = entry.tries + 1
    const now = this.#parts.clock.now()
    const { states, open, dueAt } = afterRound({
      before: statesNow(claim, entry),
      indexes: claim.recipientIndexes,
      results,
      retryAt: isHurried ? now : retryAt,
      now,
      tries,
    })
    if (!open) return this.#departures.finish([entry], { when: 'soon', event: 'message.ended' })
    const outcome = { number: entry.number, tries, dueAt, recipients: states }
    this.#index.update(entry, () => {
      entry.claimed = false
      entry.applyOutcome(outcome)
    })
    this.#announcer.due()
    await this.#committer.append(unplacedRecord('outcome', encodeOutcome(outcome)), 'soon')
    // What was said before is dead, though nothing has left: where nobody can be reached the log grew with each try.
    this.#cleaner.consider()
  }

  async release(claim: Claim, until: Instant, memory?: 'volatile'): Promise<void> {
    const entry = this.#giveBack(claim)
    if (entry === undefined) return
    const others = othersDueAt(statesNow(claim, entry), claim.recipientIndexes)
    const dueAt = Math.min(Math.ceil(until), others)
    const isWritten = memory !== 'volatile' && dueAt > this.#parts.clock.now()
    this.#index.update(entry, () => {
      entry.claimed = false
      if (isWritten) entry.applyState({ verb: 'defer', at: dueAt })
      else entry.dueAt = dueAt
    })
    this.#announcer.due()
    if (!isWritten) return
    await recordState(this.#committer, { verb: 'defer', at: dueAt, entries: [entry] }, 'soon')
  }

  async change(selector: Selector, to: QueueChange): Promise<number> {
    const selected = await this.#search.select(selector)
    const chosen = selected.filter((entry) => this.#index.has(entry) && isChangedBy(entry, to))
    const verb = ({ hold: 'hold', release: 'release', retry: 'defer', remove: 'done' } as const)[to]
    const at = this.#parts.clock.now()
    if (verb === 'done') {
      await this.#departures.finish(chosen, { when: 'now', event: 'message.removed' })
      return chosen.length
    }
    for (const entry of chosen) {
      this.#index.update(entry, () => entry.applyState({ verb, at }))
      if (verb === 'defer' && entry.claimed) this.#hurried.add(entry)
    }
    this.#announcer.due()
    await recordState(this.#committer, { verb, at, entries: chosen }, 'now')
    return chosen.length
  }

  async *entries(selector?: Selector): AsyncIterable<Entry | Damaged> {
    for await (const { loaded } of this.#search.matching(selector ?? {})) yield loaded
    if (selector === undefined) yield* listDamaged(this.#parts.disk, this.#parts.layout.damaged)
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    await this.#incoming.close()
    const cleaned = this.#cleaner.close()
    await this.#committer.close()
    await cleaned
    await this.#parts.closeFiles()
    await this.#parts.lock.release()
  }

  #makeDesk(): DraftDesk {
    const { disk, clock, log, layout, numbers, inlineBytes, budget } = this.#parts
    return {
      disk,
      budget,
      inlineBytes,
      now: () => clock.now(),
      nextNumber: () => numbers.next(),
      largeFile: () => LargeFile.create(disk, layout.large, queueId(numbers.next())),
      promise: (messages, over) => this.#arrivals.promise(messages, over),
      leftBehind: (path, error) =>
        log.warn('spool.file-not-removed', { path, error: String(error) }),
    }
  }

  /**
   * @returns undefined for a record that is damaged: it is set aside
   * @throws PosternError DISK_FULL, DISK_FAILED: it cannot be read, or not be set aside, and is due again a little later
   */
  async #load(entry: QueuedEntry): Promise<Entry | undefined> {
    try {
      const loaded = await this.#parts.loader.whole(entry)
      if (!(loaded instanceof BrokenRecord)) return loaded
      await this.#departures.setAside(entry, loaded)
      return undefined
    } catch (error) {
      const { clock } = this.#parts
      this.#index.update(entry, () => {
        entry.claimed = false
        entry.dueAt = clock.now() + unreadableMs
      })
      throw error
    }
  }

  #isHurried(claim: Claim): boolean {
    const entry = this.#claims.get(claim)
    return entry !== undefined && this.#hurried.has(entry)
  }

  #giveBack(claim: Claim): QueuedEntry | undefined {
    const entry = this.#claims.get(claim)
    assert(entry !== undefined, `${claim.entry.id} is given back without being claimed`)
    this.#claims.delete(claim)
    this.#hurried.delete(entry)
    return this.#index.has(entry) ? entry : undefined
  }
}

/** Of every recipient; an operator may have changed them since the claim. */
function statesNow(
  { entry: { recipients } }: Claim,
  { recipients: known }: QueuedEntry,
): readonly RecipientState[] {
  return recipients.map((_, index) => stateOf(known, index))
}
