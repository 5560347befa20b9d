/**
 * Brings a queued message back from its record. What is read whole is checked against its checksums first, the file of
 * a large message included, so that nobody is handed a byte that was not promised.
 */
import { crc32 } from 'node:zlib'
import { PosternError, isPosternError } from '../mail/errors.ts'
import type { Disk, DiskFile } from '../runtime/disk.ts'
import { decodeMessageMeta, envelopeOf, type LargeBody, type MessageMeta } from './message-meta.ts'
import type { QueuedEntry, StoredRecord } from './queued-entry.ts'
import type { Entry } from './queue.ts'
import { stateOf } from './recipient-states.ts'
import {
  headerBytes,
  isOfSegment,
  readHeader,
  readMeta,
  readPayload,
  type RecordHeader,
} from './record.ts'
import { fetchedBody, fileBody, memoryBody, StoredMessage, type Body } from './stored-message.ts'

const frontGuessBytes = 16_384
const pieceBytes = 1 << 20

/** What was found instead of a whole record. */
export class BrokenRecord {
  readonly reason: string
  readonly bytes: Uint8Array

  constructor(reason: string, bytes: Uint8Array) {
    this.reason = reason
    this.bytes = bytes
  }
}

export interface LoadedRecord {
  readonly header: RecordHeader
  readonly meta: MessageMeta
  readonly payload: Buffer
  /** As far as it was read, from its header on. */
  readonly bytes: Buffer
}

export class EntryLoader {
  readonly #disk: Disk
  readonly #largeFolder: string

  constructor(disk: Disk, largeFolder: string) {
    this.#disk = disk
    this.#largeFolder = largeFolder
  }

  /** The entry with all its bytes checked. @throws PosternError DISK_FAILED */
  async whole(entry: QueuedEntry): Promise<Entry | BrokenRecord> {
    const record = await this.record(entry)
    if (record instanceof BrokenRecord) return record
    const { meta, payload, bytes } = record
    if (meta.large !== undefined) {
      const problem = await this.#problemOf(meta.large)
      if (problem !== undefined) return new BrokenRecord(problem, bytes)
    }
    const body =
      meta.large === undefined
        ? memoryBody(payload.subarray(sum(meta.blocks)))
        : this.#largeBody(meta.large)
    return makeEntry(entry, { ...record, blocks: payload, body })
  }

  /** The entry with its body still on the disk: for lists. @throws PosternError DISK_FAILED */
  async head(entry: QueuedEntry): Promise<Entry | BrokenRecord> {
    const front = await this.#front(entry)
    if (front instanceof BrokenRecord) return front
    const { meta, payload: blocks } = front
    const body =
      meta.large === undefined
        ? fetchedBody(meta.bodyBytes, () => this.#body(entry))
        : this.#largeBody(meta.large)
    return makeEntry(entry, { ...front, blocks, body })
  }

  /** The record of an entry, checked; of a large message without its file. @throws PosternError DISK_FAILED */
  async record(entry: QueuedEntry): Promise<LoadedRecord | BrokenRecord> {
    return readWhereItLies(entry, async (record) => {
      const bytes = await readRecord(record, record.bytes)
      const front = decodeFront(bytes, record)
      if (front instanceof BrokenRecord) return front
      const payload = readPayload(bytes, 0, front.header)
      if (payload === undefined)
        return new BrokenRecord('the checksum of the payload does not hold', bytes)
      return { ...front, payload, bytes }
    })
  }

  async #front(entry: QueuedEntry): Promise<LoadedRecord | BrokenRecord> {
    return readWhereItLies(entry, async (record) => {
      let bytes = await readRecord(record, Math.min(record.bytes, frontGuessBytes))
      const header = readHeader(bytes, 0)
      const metaEnd = headerBytes + (header?.metaBytes ?? 0)
      if (metaEnd > bytes.length) bytes = await readRecord(record, record.bytes)
      const front = decodeFront(bytes, record)
      if (front instanceof BrokenRecord) return front
      const end = metaEnd + sum(front.meta.blocks)
      if (end > bytes.length) bytes = await readRecord(record, record.bytes)
      return { ...front, payload: bytes.subarray(metaEnd, end), bytes }
    })
  }

  async #body(entry: QueuedEntry): Promise<Uint8Array> {
    const record = await this.record(entry)
    if (record instanceof BrokenRecord) throw new PosternError('DISK_FAILED', record.reason)
    return record.payload.subarray(sum(record.meta.blocks))
  }

  #largeBody(large: LargeBody): Body {
    return fileBody(this.#disk, { ...large, path: `${this.#largeFolder}/${large.name}` })
  }

  async #problemOf({ name, sizeBytes, crc }: LargeBody): Promise<string | undefined> {
    try {
      const file = await this.#disk.open(`${this.#largeFolder}/${name}`, 'read')
      const whole = await checksum(file)
      if (whole.sizeBytes === sizeBytes && whole.crc === crc) return undefined
      return `the checksum of its file ${name} in large/ does not hold`
    } catch (error) {
      if (isPosternError(error, 'NOT_FOUND')) return `its file ${name} in large/ is missing`
      throw error
    }
  }
}

/** Reads the file to its end, and closes it. */
async function checksum(file: DiskFile): Promise<{ sizeBytes: number; crc: number }> {
  let sizeBytes = 0
  let crc = 0
  try {
    for (;;) {
      const piece = await file.read(sizeBytes, pieceBytes)
      if (piece.length === 0) return { sizeBytes, crc }
      sizeBytes += piece.length
      crc = crc32(piece, crc)
    }
  } finally {
    await file.close()
  }
}

/** A record may be copied forward, and its segment used again, while it is read: then it is read where it lies now. */
async function readWhereItLies<T>(
  entry: QueuedEntry,
  read: (record: StoredRecord) => Promise<T | BrokenRecord>,
): Promise<T | BrokenRecord> {
  for (;;) {
    const { record } = entry
    try {
      const found = await read(record)
      if (!(found instanceof BrokenRecord) || entry.record === record) return found
    } catch (error) {
      if (entry.record === record) throw error
    }
  }
}

async function readRecord({ segment, position }: StoredRecord, length: number): Promise<Buffer> {
  const { file } = segment.slot
  const bytes = segment.warm ? file.readNow(position, length) : await file.read(position, length)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function decodeFront(
  bytes: Buffer,
  { segment, position }: StoredRecord,
): { header: RecordHeader; meta: MessageMeta } | BrokenRecord {
  const header = readHeader(bytes, 0)
  const text = header === undefined ? undefined : readMeta(bytes, 0, header)
  if (header === undefined || text === undefined || !isOfSegment(header, segment.mark, position)) {
    return new BrokenRecord('the checksum of the header does not hold', bytes)
  }
  const meta = decodeMessageMeta(text)
  return meta === undefined
    ? new BrokenRecord('the record makes no sense', bytes)
    : { header, meta }
}

function makeEntry(
  entry: QueuedEntry,
  { meta, bytes, blocks, body }: LoadedRecord & { readonly blocks: Buffer; readonly body: Body },
): Entry | BrokenRecord {
  const placement = meta.placements.find(({ number }) => number === entry.number)
  const envelope = placement === undefined ? undefined : envelopeOf(placement)
  if (placement === undefined || envelope === undefined)
    return new BrokenRecord('the envelope makes no sense', bytes)
  const start = sum(meta.blocks.slice(0, placement.block))
  const head = blocks.subarray(start, start + (meta.blocks[placement.block] ?? 0))
  const { id, receivedAt, dueAt, held, sizeBytes, tries, recipients } = entry
  return {
    id,
    receivedAt,
    dueAt,
    held,
    sizeBytes,
    tries,
    envelope,
    recipients: envelope.recipients.map((_, index) => stateOf(recipients, index)),
    message: new StoredMessage(head, body, meta.eightBit),
    ...(placement.reason === undefined ? {} : { reason: placement.reason }),
    ...(placement.grounds === undefined ? {} : { grounds: placement.grounds }),
  }
}

function sum(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total + length, 0)
}
