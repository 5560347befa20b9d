/**
 * The lists of an archive's indexes in its file. Behind each stand four bytes more, a CRC-32 of it: a list with a wrong bit would
 * find less, and nobody would know. Lists of earlier versions have none and are taken as they are; earlier versions do not look
 * at those bytes.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { postingId } from './archive-segments.ts'

const numberBytes = 8
const checksumBytes = 4

/** A list as it lies in the file. */
export function withChecksum(list: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(list.length + checksumBytes, list)
  bytes.writeUInt32LE(crc32(list), list.length)
  return bytes
}

function isSound(bytes: Uint8Array): boolean {
  const beyond = bytes.length % numberBytes
  if (beyond === 0) return true
  if (beyond !== checksumBytes) return false
  const length = bytes.length - checksumBytes
  const checksum = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(length)
  return crc32(bytes.subarray(0, length)) === checksum
}

/** Told of a segment whose index cannot be believed, once. */
export type DamagedIndex = (segment: number) => void

export class PostingLists {
  readonly #posting: StatementSync
  readonly #damaged: DamagedIndex
  readonly #told = new Set<number>()

  constructor(file: DatabaseSync, damaged: DamagedIndex = () => undefined) {
    this.#posting = file.prepare('SELECT list FROM postings WHERE id = ?')
    this.#damaged = damaged
  }

  /** @returns undefined where the segment has none of that kind; `damaged`: only its records say which have */
  of(segment: number, kind: number): Uint8Array | 'damaged' | undefined {
    const row = this.#posting.get(postingId(segment, kind))
    if (row === undefined) return undefined
    const list = row['list']
    if (list instanceof Uint8Array && isSound(list)) return list
    if (!this.#told.has(segment)) this.#damaged(segment)
    this.#told.add(segment)
    return 'damaged'
  }
}
