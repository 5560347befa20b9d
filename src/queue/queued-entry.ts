/** A queued message as the index knows it: at most 500 bytes (`test/bench/index-memory.ts`), whatever its size. */
import type { Instant } from '../mail/instant.ts'
import type { Outcome, StateChange } from './change-meta.ts'
import type { Due } from './due-heap.ts'
import { withoutOwnTime } from './due-times.ts'
import type { MessageMeta, PlacementMeta, Progress } from './message-meta.ts'
import { queueId } from './queue-id.ts'
import type { EntryHead, QueueId, RecipientState } from './queue.ts'
import { packStates, unpackStates, type RecipientStates } from './recipient-states.ts'
import type { Place } from './segment.ts'

/** A message record, shared by the entries of its placements. */
export class StoredRecord implements Place {
  readonly segment: Place['segment']
  readonly position: number
  readonly bytes: number
  /** Entries that still depend on it. */
  live: number
  /** In `large/`; goes when the record goes. */
  readonly large: string | undefined

  constructor({ segment, position, bytes }: Place, live: number, large: string | undefined) {
    this.segment = segment
    this.position = position
    this.bytes = bytes
    this.live = live
    this.large = large
  }
}

export class QueuedEntry implements EntryHead, Due {
  readonly number: number
  readonly receivedAt: Instant
  readonly sizeBytes: number
  dueAt: Instant
  held: boolean
  tries: number
  /** Where its recipients stand, packed; undefined where nobody was tried. */
  #states: string | undefined
  record: StoredRecord
  claimed = false
  heapIndex = -1

  constructor(meta: MessageMeta, placement: PlacementMeta, record: StoredRecord) {
    const { number, disposition, block, progress } = placement
    this.number = number
    this.receivedAt = meta.receivedAt
    this.sizeBytes = (meta.blocks[block] ?? 0) + meta.bodyBytes
    this.dueAt = progress?.dueAt ?? meta.receivedAt
    this.held = progress?.held ?? disposition === 'hold'
    this.tries = progress?.tries ?? 0
    this.#states = progress === undefined ? undefined : packStates(progress.recipients)
    this.record = record
  }

  get id(): QueueId {
    return queueId(this.number)
  }

  /** Made anew each time. */
  get recipients(): RecipientStates | undefined {
    return this.#states === undefined ? undefined : unpackStates(this.#states)
  }

  get progress(): Progress {
    const { dueAt, held, tries, recipients = [] } = this
    return { dueAt, held, tries, recipients }
  }

  applyOutcome({ tries, dueAt, recipients }: Outcome): void {
    const states: (RecipientState | undefined)[] = [...(this.recipients ?? [])]
    for (const [index, state] of recipients) {
      while (states.length < index) states.push(undefined)
      states[index] = state
    }
    this.#states = packStates(states)
    this.tries = tries
    this.dueAt = dueAt
  }

  /** `done` is not for the entry: it ends it. */
  applyState({ verb, at }: Pick<StateChange, 'verb' | 'at'>): void {
    if (verb === 'hold') this.held = true
    if (verb === 'release') this.held = false
    if (verb !== 'release' && verb !== 'defer') return
    this.dueAt = at
    const { recipients } = this
    if (recipients === undefined) return
    const states = recipients.map((state) => state && withoutOwnTime(state))
    if (states.some((state, index) => state !== recipients[index]))
      this.#states = packStates(states)
  }
}
