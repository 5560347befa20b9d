/** A message on its way into the log: the header blocks of its placements, its body, its meta. */
import { applyHeaderEdits } from '../mail/header-edits.ts'
import type { Instant } from '../mail/instant.ts'
import {
  encodeMessageMeta,
  placementMeta,
  type LargeBody,
  type MessageMeta,
  type PlacementMeta,
} from './message-meta.ts'
import { queueId } from './queue-id.ts'
import type { Placement, QueueId } from './queue.ts'
import { unplacedRecord, type UnplacedRecord } from './record.ts'

export interface DraftedMessage {
  readonly receivedAt: Instant
  readonly eightBit: boolean
  /** The header as received, with the empty line that ends it. */
  readonly head: Uint8Array
  readonly body: Uint8Array | LargeBody
  /** The file in `incoming/` that it comes from. */
  readonly handedOver?: string
}

export interface MessageRecord {
  readonly meta: MessageMeta
  readonly record: UnplacedRecord
}

/** What is promised together. */
export type MessageRecords = readonly [MessageRecord, ...MessageRecord[]]

/**
 * One record for all placements; header edits are applied here, once.
 * @throws AssertionError when an edit is not fit for a header
 */
export function messageRecord(
  { head, ...drafted }: DraftedMessage,
  placements: readonly Placement[],
  nextNumber: () => number,
): MessageRecord {
  const kept = placements.some(({ disposition }) => disposition !== 'discard')
  const blocks: Uint8Array[] = []
  let unedited: number | undefined
  const blockOf = ({ disposition, headerEdits }: Placement): number => {
    if (disposition === 'discard') return 0
    if (headerEdits.length > 0) return blocks.push(applyHeaderEdits(head, headerEdits)) - 1
    return (unedited ??= blocks.push(head) - 1)
  }
  const placed = placements.map((placement) =>
    placementMeta(nextNumber(), placement, blockOf(placement)),
  )
  return compose({ ...drafted, blocks, placements: placed, body: kept ? drafted.body : none })
}

/** A message of the log once more, for the placements that are left, as far as they have come. */
export function copiedRecord(
  meta: MessageMeta,
  payload: Buffer,
  placements: readonly PlacementMeta[],
): MessageRecord {
  const blocks: Uint8Array[] = []
  const renumbered = new Map<number, number>()
  let at = 0
  meta.blocks.forEach((bytes, index) => {
    if (placements.some(({ block }) => block === index)) {
      renumbered.set(index, blocks.push(payload.subarray(at, at + bytes)) - 1)
    }
    at += bytes
  })
  return compose({
    receivedAt: meta.receivedAt,
    eightBit: meta.eightBit,
    blocks,
    body: meta.large ?? payload.subarray(at),
    placements: placements.map((placement) => ({
      ...placement,
      block: renumbered.get(placement.block) ?? 0,
    })),
  })
}

/** One for each placement. */
export function idsOf(messages: MessageRecords): readonly [QueueId, ...QueueId[]] {
  const [first, ...rest] = messages.flatMap(({ meta }) =>
    meta.placements.map(({ number }) => queueId(number)),
  )
  if (first === undefined) throw new RangeError('a message without placements')
  return [first, ...rest]
}

const none = new Uint8Array(0)

interface Parts {
  readonly receivedAt: Instant
  readonly eightBit: boolean
  readonly blocks: readonly Uint8Array[]
  readonly body: Uint8Array | LargeBody
  readonly placements: readonly PlacementMeta[]
  readonly handedOver?: string
}

function compose({
  receivedAt,
  eightBit,
  blocks,
  body,
  placements,
  handedOver,
}: Parts): MessageRecord {
  // Pushed, for what `map` makes of lengths is a list of doubles once V8 compiles it, and so is each size that comes of them.
  const lengths: number[] = []
  for (const block of blocks) lengths.push(block.length)
  const small = body instanceof Uint8Array
  const meta: MessageMeta = {
    receivedAt,
    eightBit,
    blocks: lengths,
    bodyBytes: small ? body.length : body.sizeBytes - body.bodyOffset,
    placements,
    ...(small ? {} : { large: body }),
    ...(handedOver === undefined ? {} : { handedOver }),
  }
  const payload = small ? [...blocks, body] : blocks
  return { meta, record: unplacedRecord('message', encodeMessageMeta(meta), payload) }
}
