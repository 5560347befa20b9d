/**
 * Reads a cdb by position: 2 KB of head in memory, the rest on demand. A damaged or hostile file ends in a CdbError, never in
 * a crash, an endless loop or an allocation larger than the file.
 */
import {
  CDB_HEAD_BYTES,
  CDB_RECORD_HEADER_BYTES,
  CDB_SLOT_BYTES,
  CdbError,
  cdbHash,
  type CdbEntry,
  type ReadAt,
} from './cdb.ts'

/** All methods throw CdbError where the file breaks the format; a string stands for its UTF-8 bytes. */
export interface Cdb {
  /** The value inserted first, if any. */
  get(key: Uint8Array | string): Uint8Array | undefined
  /** All values of a key, in the order of insertion. */
  getAll(key: Uint8Array | string): Uint8Array[]
  /** Every record, in the order of insertion. */
  entries(): Generator<CdbEntry, void>
}

/** The slots of a hash table that are read at once: nearly every look-up ends within them. */
const SLOTS_PER_READ = 16
const WINDOW_BYTES = 65_536

/** @throws CdbError when the file is too short to be a cdb */
export function openCdb(file: ReadAt): Cdb {
  if (file.sizeBytes < CDB_HEAD_BYTES) {
    throw new CdbError('the file is shorter than the head of a cdb', file.sizeBytes)
  }
  const head = file.readAt(0, CDB_HEAD_BYTES)
  if (head.length < CDB_HEAD_BYTES) throw new CdbError('the file became shorter', head.length)
  return new CdbReader(file, head.slice())
}

class CdbReader implements Cdb {
  readonly #file: ReadAt
  readonly #head: Uint8Array

  constructor(file: ReadAt, head: Uint8Array) {
    this.#file = file
    this.#head = head
  }

  get(key: Uint8Array | string): Uint8Array | undefined {
    let first: Uint8Array | undefined
    this.#search(asBytes(key), (value) => {
      first = value
      return false
    })
    return first
  }

  getAll(key: Uint8Array | string): Uint8Array[] {
    const values: Uint8Array[] = []
    let total = 0
    this.#search(asBytes(key), (value) => {
      // The records of an honest file do not overlap. Where slots repeat a record, memory would have no bound.
      total += CDB_RECORD_HEADER_BYTES + value.length
      if (total > this.#file.sizeBytes) throw new CdbError('records overlap', CDB_HEAD_BYTES)
      values.push(value)
      return true
    })
    return values
  }

  *entries(): Generator<CdbEntry, void> {
    const end = uint32(this.#head, 0)
    if (end < CDB_HEAD_BYTES || end > this.#file.sizeBytes) {
      throw new CdbError('the records end outside of the file', 0)
    }
    const bytesAt = this.#windowUpTo(end)
    let position = CDB_HEAD_BYTES
    while (position < end) {
      const header = bytesAt(position, CDB_RECORD_HEADER_BYTES)
      const keyAt = position + CDB_RECORD_HEADER_BYTES
      const valueAt = keyAt + uint32(header, 0)
      const next = valueAt + uint32(header, 4)
      const record = bytesAt(keyAt, next - keyAt)
      yield [record.subarray(0, valueAt - keyAt), record.subarray(valueAt - keyAt)]
      position = next
    }
  }

  /** Shows `visit` the values of a key, until it wants no more. */
  #search(key: Uint8Array, visit: (value: Uint8Array) => boolean): void {
    const hash = cdbHash(key)
    const entry = (hash & 255) * 8
    const table = uint32(this.#head, entry)
    const slots = uint32(this.#head, entry + 4)
    if (slots === 0) return
    if (table + slots * CDB_SLOT_BYTES > this.#file.sizeBytes) {
      throw new CdbError('a hash table ends beyond the end of the file', entry)
    }
    let slot = (hash >>> 8) % slots
    let probes = 0
    while (probes < slots) {
      const count = Math.min(SLOTS_PER_READ, slots - slot, slots - probes)
      const some = this.#read(table + slot * CDB_SLOT_BYTES, count * CDB_SLOT_BYTES)
      for (let at = 0; at < some.length; at += CDB_SLOT_BYTES) {
        const position = uint32(some, at + 4)
        if (position === 0) return
        const value = uint32(some, at) === hash ? this.#valueAt(position, key) : undefined
        if (value !== undefined && !visit(value)) return
      }
      probes += count
      slot = (slot + count) % slots
    }
  }

  /** The value of the record at `position`, if `key` is its key. */
  #valueAt(position: number, key: Uint8Array): Uint8Array | undefined {
    const wanted = CDB_RECORD_HEADER_BYTES + key.length
    const most = Math.max(CDB_RECORD_HEADER_BYTES, this.#file.sizeBytes - position)
    const start = this.#read(position, Math.min(wanted, most))
    if (uint32(start, 0) !== key.length) return undefined
    if (start.length < wanted) {
      throw new CdbError('a record ends beyond the end of the file', position)
    }
    if (Buffer.compare(start.subarray(CDB_RECORD_HEADER_BYTES), key) !== 0) return undefined
    return this.#read(position + wanted, uint32(start, 4))
  }

  /** Reads ahead, for those who read on and on. */
  #windowUpTo(end: number): (offset: number, length: number) => Uint8Array {
    let window: Uint8Array = new Uint8Array()
    let start = 0
    return (offset, length) => {
      if (offset + length > end) throw new CdbError('a record ends beyond the last record', offset)
      if (offset < start || offset + length > start + window.length) {
        window = this.#read(offset, Math.min(Math.max(length, WINDOW_BYTES), end - offset))
        start = offset
      }
      return window.subarray(offset - start, offset - start + length)
    }
  }

  #read(offset: number, length: number): Uint8Array {
    if (offset + length > this.#file.sizeBytes) {
      throw new CdbError('a record or table ends beyond the end of the file', offset)
    }
    if (length === 0) return new Uint8Array()
    const bytes = this.#file.readAt(offset, length)
    if (bytes.length < length) {
      throw new CdbError('the file became shorter', offset + bytes.length)
    }
    return bytes
  }
}

function asBytes(key: Uint8Array | string): Uint8Array {
  return typeof key === 'string' ? Buffer.from(key, 'utf8') : key
}

function uint32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
  return (low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
}
