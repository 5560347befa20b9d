/**
 * A queue without a disk, for tests of who fills it (the receiver) and who empties it (the courier).
 * It keeps the contract of `queue/queue.ts`, remembers what was committed and settled, and refuses
 * commits on demand. Nothing in it is durable: its receipts are worth nothing outside a test.
 */
import type { HeaderEdit } from '../mail/edits.ts'
import { applyHeaderEdits } from '../mail/header-edits.ts'
import { PosternError, type ErrorCode } from '../mail/errors.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import { Receipt } from '../queue/receipt.ts'
import { afterRound, othersDueAt, whoIsDue, withoutOwnTime } from '../queue/due-times.ts'
import { isChangedBy, matches } from '../queue/selection.ts'
import type {
  Claim,
  Draft,
  Entry,
  Placement,
  Queue,
  QueueId,
  RecipientState,
  RetryTimes,
  Selector,
} from '../queue/queue.ts'
import type { Clock } from '../runtime/clock.ts'
import { memoryMessage, type MemoryMessage } from './memory-message.ts'

export interface MemoryQueue extends Queue {
  /** Every placement ever committed, discarded ones included, with the bytes as received. */
  readonly commits: readonly Committed[]
  /** Every claim that was settled, in order. */
  readonly settled: readonly Settled[]
  /** Drafts begun and neither committed nor aborted. */
  readonly openDrafts: number
  /** What is queued under this id, or undefined. */
  find(id: QueueId): Entry | undefined
  /** The next commit throws a PosternError of this code. */
  refuseNextCommit(code: ErrorCode): void
  /** Commits wait for this, as for a slow disk. */
  delayCommits(until: Promise<void>): void
}

export interface Committed {
  readonly id: QueueId
  readonly placement: Placement
  readonly message: MemoryMessage
}

export interface Settled {
  readonly id: QueueId
  readonly results: readonly DeliveryResult[]
  readonly retryAt: RetryTimes
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Slot = Mutable<Omit<Entry, 'recipients'>> & { recipients: RecipientState[]; claim?: Claim }

function edited(message: MemoryMessage, edits: readonly HeaderEdit[]): MemoryMessage {
  if (edits.length === 0) return message
  const { bytes, bodyOffset } = message
  const header = applyHeaderEdits(bytes.subarray(0, bodyOffset), edits)
  return memoryMessage(Buffer.concat([header, bytes.subarray(bodyOffset)]))
}

export function memoryQueue(clock: Clock): MemoryQueue {
  const slots = new Map<QueueId, Slot>()
  const commits: Committed[] = []
  const settled: Settled[] = []
  const listeners = new Set<() => void>()
  const wardens = new Set<(ids: readonly QueueId[]) => void>()
  let openDrafts = 0
  let count = 0
  let refusal: ErrorCode | undefined
  let slow = Promise.resolve()
  let closed = false
  let announced = false

  const announce = (): void => {
    if (announced) return
    announced = true
    setImmediate(() => {
      announced = false
      for (const listener of listeners) listener()
    })
  }

  const place = (placement: Placement, message: MemoryMessage): QueueId => {
    const id = `${clock.now().toString(36)}-${(++count).toString(36).padStart(4, '0')}`
    commits.push({ id, placement, message })
    if (placement.disposition === 'discard') return id
    const now = clock.now()
    slots.set(id, {
      id,
      receivedAt: now,
      dueAt: now,
      held: placement.disposition === 'hold',
      sizeBytes: message.sizeBytes,
      tries: 0,
      envelope: placement.envelope,
      recipients: placement.envelope.recipients.map(() => ({ state: 'pending' })),
      message: edited(message, placement.headerEdits),
      ...(placement.reason === undefined ? {} : { reason: placement.reason }),
      ...(placement.grounds === undefined ? {} : { grounds: placement.grounds }),
    })
    return id
  }

  const drafts = new WeakMap<Draft, () => MemoryMessage>()

  const begin = (): Draft => {
    if (closed) throw new PosternError('SPOOL_CLOSED')
    const chunks: Uint8Array[] = []
    let message: MemoryMessage | undefined
    let over = false
    openDrafts++
    const finish = (): void => {
      if (!over) openDrafts--
      over = true
    }
    const close = (): MemoryMessage => {
      if (over || message === undefined) throw new Error('a draft is committed before its end')
      finish()
      return message
    }
    const draft: Draft = {
      write(chunk) {
        if (over || message !== undefined) throw new Error('a draft is written after its end')
        chunks.push(chunk.slice())
      },
      end: () => (message ??= memoryMessage(Buffer.concat(chunks))),
      async commit(placements, beside) {
        const bytes = close()
        const others = beside && drafts.get(beside.draft)?.()
        await slow
        const code = closed ? 'SPOOL_CLOSED' : refusal
        refusal = undefined
        if (code !== undefined) throw new PosternError(code)
        const [first, ...rest] = placements
        const ids: [QueueId, ...QueueId[]] = [place(first, bytes)]
        for (const placement of rest) ids.push(place(placement, bytes))
        for (const placement of beside?.placements ?? [])
          ids.push(place(placement, others ?? bytes))
        announce()
        const held = ids.filter((id) => slots.get(id)?.grounds !== undefined)
        if (held.length > 0) setImmediate(() => wardens.forEach((warden) => warden(held)))
        return new Receipt(ids, clock.now())
      },
      abort: finish,
    }
    drafts.set(draft, close)
    return draft
  }

  const selected = (selector: Selector): Slot[] =>
    [...slots.values()].filter(
      (slot) => (selector.ids?.includes(slot.id) ?? true) && matches(slot, selector),
    )

  const waiting = (): Slot[] =>
    [...slots.values()]
      .filter((slot) => slot.claim === undefined && !slot.held)
      .toSorted((a, b) => a.dueAt - b.dueAt)

  const giveBack = (claim: Claim): Slot | undefined => {
    const slot = slots.get(claim.entry.id)
    if (slot === undefined) return undefined
    if (slot.claim !== claim) throw new Error(`${slot.id} is settled without being claimed`)
    delete slot.claim
    return slot
  }

  return {
    commits,
    settled,
    get openDrafts() {
      return openDrafts
    },
    find: (id) => slots.get(id),
    refuseNextCommit: (code) => void (refusal = code),
    delayCommits: (until) => void (slow = until),
    begin,
    due: (now, limit) =>
      waiting()
        .filter(({ dueAt }) => dueAt <= now)
        .slice(0, limit),
    nextDueAt: () => waiting()[0]?.dueAt,
    onDue(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    onQuarantined(listener) {
      wardens.add(listener)
      return () => void wardens.delete(listener)
    },
    async claim(id, even, whom = () => true) {
      await Promise.resolve()
      const slot = slots.get(id)
      if (slot === undefined || slot.claim !== undefined) return undefined
      if (slot.held && even !== 'held') return undefined
      const now = even === 'held' ? Infinity : clock.now()
      const due = whoIsDue(slot, now, whom)
      if (due.recipients.length > 0) slot.claim = { entry: { ...slot }, ...due }
      return slot.claim
    },
    async settle(claim, results, retryAt) {
      await Promise.resolve()
      if (results.length !== claim.recipientIndexes.length) throw new Error('a result is missing')
      const slot = giveBack(claim)
      if (slot === undefined) return
      settled.push({ id: slot.id, results, retryAt })
      slot.tries++
      const { states, open, dueAt } = afterRound({
        before: slot.recipients,
        indexes: claim.recipientIndexes,
        results,
        retryAt,
        now: clock.now(),
        tries: slot.tries,
      })
      for (const [index, state] of states) slot.recipients[index] = state
      slot.dueAt = dueAt
      if (!open) slots.delete(slot.id)
      announce()
    },
    async release(claim, until) {
      await Promise.resolve()
      const slot = giveBack(claim)
      if (slot !== undefined) {
        slot.dueAt = Math.min(until, othersDueAt(slot.recipients, claim.recipientIndexes))
      }
      announce()
    },
    async change(selector: Selector, to) {
      await Promise.resolve()
      const chosen = selected(selector).filter((slot) => isChangedBy(slot, to))
      for (const slot of chosen) {
        if (to === 'remove') slots.delete(slot.id)
        else if (to !== 'retry') slot.held = to === 'hold'
        if (to !== 'retry' && to !== 'release') continue
        slot.dueAt = clock.now()
        slot.recipients = slot.recipients.map(withoutOwnTime)
      }
      announce()
      return chosen.length
    },
    async *entries(selector = {}) {
      yield* selected(selector)
    },
    get size() {
      return slots.size
    },
    async close() {
      closed = true
      await Promise.resolve()
    },
  }
}
