/** The queue as the API shows and steers it: read from the spool, changed by whoever runs it. */
import type { QueuedFile, QueueOperations } from '../../admin/operations.ts'
import { Refusal } from '../../admin/refusal.ts'
import type {
  Applied,
  DamagedFiles,
  Destination,
  PauseScope,
  Pauses,
  QueueActionRequest,
  QueueDetails,
  QueueItem,
  QueuePage,
  QueueQuery,
  QueueSummary,
  SpoolCheck,
} from '../../admin/schemas/queue.ts'
import { readScope } from '../../delivery/pauses.ts'
import { formatMailbox, formatPath } from '../../mail/address.ts'
import { decodeWords } from '../../mail/encoded-words.ts'
import { isPosternError } from '../../mail/errors.ts'
import { fieldText } from '../../mail/header-field.ts'
import type { Message } from '../../mail/message.ts'
import { legible } from '../../formats/plain-line.ts'
import type { Damaged, Entry } from '../../queue/queue.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { QueueAnswer } from '../queue-requests.ts'
import { isSelected } from '../queue-selection.ts'
import {
  bytesOf,
  checkQueue,
  damagedInQueue,
  queuedMessages,
  withQueued,
  type DamagedFile,
} from '../read-spool.ts'
import { steerQueue } from '../steer-queue.ts'
import { Cached } from './cached.ts'

const usualPage = 50
const mostRecipients = 50
const mostDestinations = 500
const mostDamaged = 200
const shownHeaderBytes = 16_384

export class SpooledQueue implements QueueOperations {
  readonly #folder: string
  readonly #summary: Cached<QueueSummary>
  /** It reads the whole spool: one at a time. */
  #checking = false

  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#summary = new Cached(clock, 3_000, () => summarise(this.#entries()))
  }

  summary(): Promise<QueueSummary> {
    return this.#summary.get()
  }

  async list({ cursor, limit = usualPage, ...selection }: QueueQuery): Promise<QueuePage> {
    const items: QueueItem[] = []
    let damaged = 0
    let behind = cursor === undefined
    for await (const entry of this.#entries()) {
      if ('damaged' in entry) {
        damaged += 1
        continue
      }
      if (!behind) {
        // Ids sort by age, and the one at the cursor may be gone.
        if (entry.id <= (cursor ?? '')) continue
        behind = true
      }
      if (!isSelected(entry, selection)) continue
      if (items.length >= limit) return { items, next: items.at(-1)?.id ?? '', damaged }
      items.push(itemOf(entry))
    }
    return { items, damaged }
  }

  async show(id: string): Promise<QueueDetails | undefined> {
    return withQueued(this.#folder, id, async (entry) => ({
      ...itemOf(entry),
      subject: fieldText(decodeWords(entry.message.header.first('subject') ?? '').slice(0, 200)),
      quarantined: isQuarantined(entry),
      header: await headerOf(entry.message),
    })).catch(gone)
  }

  raw(id: string): Promise<QueuedFile | undefined> {
    return withQueued(this.#folder, id, async (entry) => ({
      fileName: `${id}.eml`,
      type: 'application/octet-stream',
      sizeBytes: entry.sizeBytes,
      quarantined: isQuarantined(entry),
      read: () => bytesOf(this.#folder, id),
    })).catch(gone)
  }

  async damaged(): Promise<DamagedFiles> {
    const files: DamagedFiles['files'][number][] = []
    let more = 0
    for await (const { messages, ...file } of this.#damaged()) {
      if (files.length >= mostDamaged) {
        more += 1
        continue
      }
      const views = messages.slice(0, mostDamaged).map(({ envelope, ...message }) => ({
        ...message,
        reversePath: formatPath(envelope.reversePath),
        recipients: envelope.recipients
          .slice(0, mostRecipients)
          .map(({ mailbox }) => formatMailbox(mailbox)),
      }))
      files.push({ ...file, reason: legible(file.reason), messages: views })
    }
    return { files, more }
  }

  async check(): Promise<SpoolCheck> {
    if (this.#checking) {
      throw new Refusal('too-many-requests', 'Somebody checks it already', { retryAfter: 10 })
    }
    this.#checking = true
    try {
      return await checkQueue(this.#folder)
    } finally {
      this.#checking = false
    }
  }

  async act({ action, selection, dryRun = false }: QueueActionRequest): Promise<Applied> {
    const { all: _, ids, ...keys } = selection
    const answer = await steerQueue(this.#folder, {
      what: 'apply',
      action: action === 'delete' ? 'remove' : action,
      selection: { ...keys, ...(ids === undefined ? {} : { ids: [...ids] }) },
      dryRun,
    })
    this.#summary.forget()
    if (answer.what !== 'applied') throw new Refusal('unavailable')
    return { count: answer.applied.count, ids: answer.applied.ids, dryRun }
  }

  async pauses(): Promise<Pauses> {
    return pausesOf(await steerQueue(this.#folder, { what: 'pauses' }))
  }

  async pause(scope: PauseScope): Promise<Pauses> {
    return pausesOf(await steerQueue(this.#folder, { what: 'pause', scope: scopeOf(scope) }))
  }

  async resume(scope: PauseScope): Promise<Pauses> {
    return pausesOf(await steerQueue(this.#folder, { what: 'resume', scope: scopeOf(scope) }))
  }

  async *#damaged(): AsyncGenerator<DamagedFile> {
    try {
      yield* damagedInQueue(this.#folder)
    } catch (error) {
      // No spool yet: nothing was ever set aside.
      if (!isPosternError(error, 'NOT_FOUND')) throw error
    }
  }

  async *#entries(): AsyncGenerator<Entry | Damaged> {
    try {
      yield* queuedMessages(this.#folder)
    } catch (error) {
      // No spool yet: nothing was ever queued.
      if (!isPosternError(error, 'NOT_FOUND')) throw error
    }
  }
}

function isQuarantined({ held, grounds }: Entry): boolean {
  return held && grounds !== undefined
}

function gone(error: unknown): undefined {
  if (!isPosternError(error, 'NOT_FOUND')) throw error
}

function scopeOf({ what, name }: PauseScope) {
  const scope = readScope(name === undefined ? { what } : { what, name })
  if (scope === undefined) throw new Refusal('invalid', 'That is nothing that can be paused')
  return scope
}

function pausesOf(answer: QueueAnswer): Pauses {
  return { paused: answer.what === 'pauses' ? answer.scopes : [] }
}

function itemOf(entry: Entry): QueueItem {
  const { id, receivedAt, dueAt, held, reason, sizeBytes, tries, envelope } = entry
  return {
    id,
    receivedAt,
    dueAt,
    held,
    sizeBytes,
    tries,
    ...(reason === undefined ? {} : { reason: legible(reason) }),
    reversePath: formatPath(envelope.reversePath),
    recipients: envelope.recipients.slice(0, mostRecipients).map(({ mailbox }, index) => {
      const state = entry.recipients[index] ?? { state: 'pending' as const }
      return {
        address: formatMailbox(mailbox),
        state: state.state,
        ...(state.state === 'pending' ? {} : { lastReply: legible(state.text) }),
        ...(state.state === 'deferred' ? { tries: state.tries } : {}),
        ...(state.state === 'deferred' && state.dueAt !== undefined ? { dueAt: state.dueAt } : {}),
      }
    }),
    moreRecipients: Math.max(0, envelope.recipients.length - mostRecipients),
  }
}

/** By age, so the first is the oldest. */
async function summarise(entries: AsyncIterable<Entry | Damaged>): Promise<QueueSummary> {
  const destinations = new Map<string, Destination>()
  const whole = { messages: 0, held: 0, recipients: 0, bytes: 0, moreDestinations: 0, damaged: 0 }
  let oldestAt: number | undefined
  for await (const entry of entries) {
    if ('damaged' in entry) {
      whole.damaged += 1
      continue
    }
    oldestAt = Math.min(oldestAt ?? Infinity, entry.receivedAt)
    whole.messages += 1
    whole.bytes += entry.sizeBytes
    if (entry.held) whole.held += 1
    for (const [index, { mailbox }] of entry.envelope.recipients.entries()) {
      const state = entry.recipients[index] ?? { state: 'pending' as const }
      if (state.state === 'delivered' || state.state === 'failed') continue
      whole.recipients += 1
      const domain = mailbox.domain.toLowerCase()
      const before = destinations.get(domain)
      if (before === undefined && destinations.size >= mostDestinations) {
        whole.moreDestinations += 1
        continue
      }
      destinations.set(domain, withRecipient(before, domain, entry, state))
    }
  }
  const sorted = [...destinations.values()].toSorted((a, b) => b.recipients - a.recipients)
  return { ...whole, destinations: sorted, ...(oldestAt === undefined ? {} : { oldestAt }) }
}

function withRecipient(
  before: Destination | undefined,
  domain: string,
  entry: Entry,
  state: Entry['recipients'][number],
): Destination {
  const nextAt = entry.held ? before?.nextAt : Math.min(before?.nextAt ?? Infinity, entry.dueAt)
  const lastReply = state.state === 'deferred' ? legible(state.text) : before?.lastReply
  return {
    domain,
    recipients: (before?.recipients ?? 0) + 1,
    deferred: (before?.deferred ?? 0) + (state.state === 'deferred' ? 1 : 0),
    held: (before?.held ?? 0) + (entry.held ? 1 : 0),
    bytes: (before?.bytes ?? 0) + entry.sizeBytes,
    oldestAt: Math.min(before?.oldestAt ?? Infinity, entry.receivedAt),
    ...(nextAt === undefined ? {} : { nextAt }),
    ...(lastReply === undefined ? {} : { lastReply }),
  }
}

async function headerOf(message: Message): Promise<string> {
  const chunks: Uint8Array[] = []
  const length = Math.min(message.bodyOffset, shownHeaderBytes)
  for await (const chunk of message.read({ offset: 0, length })) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
