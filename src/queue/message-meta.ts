/** The meta of a message record: who it is for, how its payload is cut, and, in a copy, how far it has come. */
import type { Envelope } from '../mail/envelope.ts'
import type { Instant } from '../mail/instant.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts'
import { countOf, listOf, nameAt, optional, readJson, textOf } from './json-shape.ts'
import type { Grounds, Placement } from './queue.ts'
import { decodeState, encodeState, type RecipientStates } from './recipient-states.ts'

/**
 * The payload is the header blocks, then the body; the body of a large message lies in a file of its own,
 * which holds the whole message as received.
 */
export interface MessageMeta {
  readonly receivedAt: Instant
  /** Whether any byte as received is outside ASCII. */
  readonly eightBit: boolean
  /** Length of each header block. */
  readonly blocks: readonly number[]
  /** Length of the body, wherever it lies. */
  readonly bodyBytes: number
  readonly large?: LargeBody
  readonly placements: readonly PlacementMeta[]
  /** The file in `incoming/` that it came from; not in copies. */
  readonly handedOver?: string
}

export interface LargeBody {
  /** In `large/`. */
  readonly name: string
  readonly bodyOffset: number
  /** Of the whole file, as is the checksum. */
  readonly sizeBytes: number
  readonly crc: number
}

export interface PlacementMeta {
  readonly number: number
  readonly disposition: Placement['disposition']
  /** Its header block; meaningless for `discard`. */
  readonly block: number
  readonly reason?: string
  /** Not decoded yet: most readers want to know the rest only. */
  readonly envelope: JsonValue
  readonly progress?: Progress
  readonly grounds?: Grounds
}

/** Where a message stands that has been in the queue for a while. */
export interface Progress {
  readonly dueAt: Instant
  readonly held: boolean
  readonly tries: number
  readonly recipients: RecipientStates
}

const dispositions = ['deliver', 'hold', 'discard'] as const

export function encodeMessageMeta(meta: MessageMeta): string {
  const { receivedAt, eightBit, blocks, bodyBytes, large, handedOver } = meta
  return JSON.stringify([
    receivedAt,
    eightBit ? 1 : 0,
    blocks,
    bodyBytes,
    large === undefined ? 0 : [large.name, large.bodyOffset, large.sizeBytes, large.crc],
    meta.placements.map(encodePlacement),
    ...(handedOver === undefined ? [] : [handedOver]),
  ])
}

/** @returns undefined for what is not the meta of a message */
export function decodeMessageMeta(text: string): MessageMeta | undefined {
  return readJson(text, (value) => {
    const [receivedAt, eightBit, blocks, bodyBytes, largeBody, placements, from = 0] = listOf(value)
    const handedOver = optional(from, textOf)
    const large = optional(largeBody, decodeLarge)
    return {
      receivedAt: countOf(receivedAt),
      eightBit: countOf(eightBit) === 1,
      blocks: listOf(blocks).map(countOf),
      bodyBytes: countOf(bodyBytes),
      ...(large === undefined ? {} : { large }),
      placements: listOf(placements).map(decodePlacement),
      ...(handedOver === undefined ? {} : { handedOver }),
    }
  })
}

/** @returns undefined for what is not an envelope */
export function envelopeOf({ envelope }: PlacementMeta): Envelope | undefined {
  try {
    return decodeEnvelope(envelope)
  } catch {
    // Another shape than ours: the caller sets the record aside.
    return undefined
  }
}

export function placementMeta(number: number, placement: Placement, block: number): PlacementMeta {
  const { disposition, reason, envelope, grounds } = placement
  return {
    number,
    disposition,
    block,
    envelope: encodeEnvelope(envelope),
    ...(reason === undefined ? {} : { reason }),
    ...(grounds === undefined ? {} : { grounds }),
  }
}

function decodeLarge(value: JsonValue): LargeBody {
  const [name, bodyOffset, sizeBytes, crc] = listOf(value)
  return {
    name: textOf(name),
    bodyOffset: countOf(bodyOffset),
    sizeBytes: countOf(sizeBytes),
    crc: countOf(crc),
  }
}

function encodePlacement(placement: PlacementMeta): JsonValue {
  const { number, disposition, block, reason, envelope, progress, grounds } = placement
  const tuple = [number, dispositions.indexOf(disposition), block, reason ?? 0, envelope]
  const sofar = progress === undefined ? 0 : encodeProgress(progress)
  if (grounds !== undefined) return [...tuple, sofar, encodeGrounds(grounds)]
  return progress === undefined ? tuple : [...tuple, sofar]
}

function decodePlacement(value: JsonValue): PlacementMeta {
  const [number, disposition, block, why, envelope = 0, sofar = 0, rest = 0] = listOf(value)
  const grounds = optional(rest, decodeGrounds)
  const reason = optional(why, textOf)
  const progress = optional(sofar, decodeProgress)
  return {
    number: countOf(number),
    disposition: nameAt(dispositions, disposition),
    block: countOf(block),
    envelope,
    ...(reason === undefined ? {} : { reason }),
    ...(progress === undefined ? {} : { progress }),
    ...(grounds === undefined ? {} : { grounds }),
  }
}

function encodeGrounds({ transaction, entry, score, evidence }: Grounds): JsonValue {
  return [transaction, entry ?? 0, score ?? '', evidence ?? 0]
}

function decodeGrounds(value: JsonValue): Grounds {
  const [transaction, by, score, evidence = 0] = listOf(value)
  const entry = optional(by, textOf)
  return {
    transaction: textOf(transaction),
    ...(entry === undefined ? {} : { entry }),
    ...(typeof score === 'number' ? { score } : {}),
    ...(isObject(evidence) ? { evidence } : {}),
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function encodeProgress({ dueAt, held, tries, recipients }: Progress): JsonValue {
  return [dueAt, held ? 1 : 0, tries, recipients.map(encodeState)]
}

function decodeProgress(value: JsonValue): Progress {
  const [dueAt, held, tries, recipients] = listOf(value)
  return {
    dueAt: countOf(dueAt),
    held: countOf(held) === 1,
    tries: countOf(tries),
    recipients: listOf(recipients).map(decodeState),
  }
}
