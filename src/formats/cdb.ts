/**
 * D. J. Bernstein's constant database, what reader and writer share. A file is a head of 256 pairs (position and slots of a
 * hash table), the records (key length, data length, key, data), then the tables (hash, record position); every number is
 * 32 bits, little endian. Keys may repeat; look-ups find them in the order of insertion.
 */

export type CdbEntry = readonly [key: Uint8Array, value: Uint8Array]

export const CDB_HEAD_BYTES = 2048
export const CDB_SLOT_BYTES = 8
export const CDB_RECORD_HEADER_BYTES = 8
/** Positions have 32 bits. */
export const CDB_MAX_BYTES = 0xffff_ffff

/** What lies under a reader: a buffer or an open file. */
export interface ReadAt {
  readonly sizeBytes: number
  /** Exactly these bytes, which nobody may change afterwards. Only ever asked for a range within `sizeBytes`. */
  readAt(offset: number, length: number): Uint8Array
}

/** A cdb, or the text of one, that breaks the format. `offset` is the byte where that showed. */
export class CdbError extends Error {
  override readonly name = 'CdbError'
  readonly offset: number

  constructor(what: string, offset: number) {
    super(`${what} (at byte ${offset})`)
    this.offset = offset
  }
}

export function cdbHash(key: Uint8Array): number {
  let hash = 5381
  for (const byte of key) hash = ((hash << 5) + hash) ^ byte
  return hash >>> 0
}

/** A file that is in memory. */
export function readAtBytes(bytes: Uint8Array): ReadAt {
  return {
    sizeBytes: bytes.length,
    readAt: (offset, length) => bytes.subarray(offset, offset + length),
  }
}
