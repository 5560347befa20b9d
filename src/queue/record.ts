/**
 * One record of the log: a header of 64 bytes, its meta (JSON), its payload, zeros up to the next 64. Pure.
 * Two checksums (CRC-32): one over header and meta, so that an index can be built without reading bodies, one over the
 * payload. Whatever the bytes are, decoding answers or returns undefined; it never throws.
 */
import { crc32 } from 'node:zlib'

export const recordTypes = ['opening', 'message', 'outcome', 'state'] as const
export type RecordType = (typeof recordTypes)[number]

/** Bytes of a record's header, and what records are aligned to: a header never lies across two disk sectors. */
export const headerBytes = 64
/** Records of version 1 bear no key; they are read, and written no more. */
export const formatVersion = 2
export const keyBytes = 16

/** `Pq` and two bytes that no text has. */
const magic = 0xb1_00_71_50
export const magicBytes: Readonly<Uint8Array> = Uint8Array.of(0x50, 0x71, 0x00, 0xb1)

/** What all records of a segment share, and none of another segment has. */
export interface SegmentMark {
  /** Of the segment when this was written: older records in a recycled file have another. */
  readonly generation: number
  /** Known to nobody outside: bytes of a message never have it. Absent in version 1. */
  readonly key: Uint8Array | undefined
}

export interface RecordHeader extends SegmentMark {
  readonly type: RecordType
  /** Where its batch begins in the segment: everything before that was synced when this was written. */
  readonly batchStart: number
  /** The oldest generation that still counts. */
  readonly oldest: number
  /** The segment before this one, and where it ends: whatever stands behind was never promised. 0 if there is none. */
  readonly previousGeneration: number
  readonly previousEnd: number
  readonly metaBytes: number
  readonly payloadBytes: number
  readonly payloadCrc: number
  /** Where it stands in the segment. Absent in version 1. */
  readonly position: number | undefined
}

/** A header as it is written now. */
export type NewHeader = RecordHeader & { readonly key: Uint8Array; readonly position: number }

/** Bytes in the segment, from one record to the next. */
export function recordBytes({
  metaBytes,
  payloadBytes,
}: Pick<RecordHeader, 'metaBytes' | 'payloadBytes'>): number {
  return Math.ceil((headerBytes + metaBytes + payloadBytes) / headerBytes) * headerBytes
}

/** Writes header and meta to `target` from `at` on. `header.metaBytes` must be the meta's length in UTF-8. */
export function writeFront(target: Buffer, at: number, header: NewHeader, meta: string): void {
  target.writeUInt32LE(magic, at)
  target.writeUInt8(formatVersion, at + 8)
  target.writeUInt8(recordTypes.indexOf(header.type), at + 9)
  target.writeUInt16LE(0, at + 10)
  target.writeUInt32LE(header.generation, at + 12)
  target.writeUInt32LE(header.batchStart, at + 16)
  target.writeUInt32LE(header.oldest, at + 20)
  target.writeUInt32LE(header.previousGeneration, at + 24)
  target.writeUInt32LE(header.previousEnd, at + 28)
  target.writeUInt32LE(header.metaBytes, at + 32)
  target.writeUInt32LE(header.payloadBytes, at + 36)
  target.writeUInt32LE(header.payloadCrc, at + 40)
  target.set(header.key, at + 44)
  target.writeUInt32LE(header.position, at + 60)
  target.write(meta, at + headerBytes, 'utf8')
  const end = at + headerBytes + header.metaBytes
  target.writeUInt32LE(crc32(target.subarray(at + 8, end)), at + 4)
}

/**
 * @param expected the key that it will have; none is made anew for that
 * @returns the header as it claims to be, unverified; undefined if none begins here or it cannot be ours
 */
export function readHeader(
  bytes: Buffer,
  at: number,
  expected?: Uint8Array,
): RecordHeader | undefined {
  if (!beginsRecord(bytes, at)) return undefined
  const version = bytes.readUInt8(at + 8)
  if (version < 1 || version > formatVersion) return undefined
  const type = recordTypes[bytes.readUInt8(at + 9)]
  if (type === undefined) return undefined
  return {
    type,
    generation: bytes.readUInt32LE(at + 12),
    batchStart: bytes.readUInt32LE(at + 16),
    oldest: bytes.readUInt32LE(at + 20),
    previousGeneration: bytes.readUInt32LE(at + 24),
    previousEnd: bytes.readUInt32LE(at + 28),
    metaBytes: bytes.readUInt32LE(at + 32),
    payloadBytes: bytes.readUInt32LE(at + 36),
    payloadCrc: bytes.readUInt32LE(at + 40),
    key: version < 2 ? undefined : keyAt(bytes, at + 44, expected),
    position: version < 2 ? undefined : bytes.readUInt32LE(at + 60),
  }
}

function keyAt(bytes: Buffer, at: number, expected: Uint8Array | undefined): Uint8Array {
  const end = at + keyBytes
  const isExpected = expected !== undefined && bytes.compare(expected, 0, keyBytes, at, end) === 0
  return isExpected ? expected : bytes.subarray(at, end)
}

/** Whether a header at this place is one of this segment, and not the remains of another, nor bytes of a message. */
export function isOfSegment(
  { generation, key, position }: RecordHeader,
  mark: SegmentMark,
  at: number,
): boolean {
  if (generation !== mark.generation) return false
  if (key === undefined || mark.key === undefined) return key === mark.key
  return position === at && (key === mark.key || Buffer.compare(key, mark.key) === 0)
}

/** Whether a record's first bytes stand here. */
export function beginsRecord(bytes: Buffer, at: number): boolean {
  return at + headerBytes <= bytes.length && bytes.readUInt32LE(at) === magic
}

/** Where a header would name its generation; `bytes` reach at least that far. */
export function generationAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 12)
}

/** The meta, if header and meta are there whole and unharmed. */
export function readMeta(bytes: Buffer, at: number, header: RecordHeader): string | undefined {
  const end = at + headerBytes + header.metaBytes
  if (end > bytes.length) return undefined
  if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32LE(at + 4)) return undefined
  return bytes.toString('utf8', at + headerBytes, end)
}

/** The payload, if it is there whole and unharmed. */
export function readPayload(bytes: Buffer, at: number, header: RecordHeader): Buffer | undefined {
  const start = at + headerBytes + header.metaBytes
  const end = start + header.payloadBytes
  if (end > bytes.length) return undefined
  const payload = bytes.subarray(start, end)
  return crc32(payload) === header.payloadCrc ? payload : undefined
}

/** A record that has no place yet. */
export interface UnplacedRecord {
  readonly type: RecordType
  readonly meta: string
  readonly metaBytes: number
  readonly payload: readonly Uint8Array[]
  readonly payloadBytes: number
  readonly payloadCrc: number
}

/** The payload parts must not change until the record is written. */
export function unplacedRecord(
  type: RecordType,
  meta: string,
  payload: readonly Uint8Array[] = [],
): UnplacedRecord {
  let payloadBytes = 0
  let payloadCrc = 0
  for (const part of payload) {
    payloadBytes += part.length
    payloadCrc = crc32(part, payloadCrc)
  }
  return { type, meta, metaBytes: Buffer.byteLength(meta), payload, payloadBytes, payloadCrc }
}
