/**
 * Lays records out for one gathered write: fronts and padding in a scratch buffer, payloads as they lie. A block of
 * zeros ends the batch, so that the remains of an older generation behind it are not mistaken for a damaged record;
 * the next batch writes over it.
 */
import {
  headerBytes,
  recordBytes,
  writeFront,
  type NewHeader,
  type UnplacedRecord,
} from './record.ts'
import type { Links } from './segment-log.ts'

export interface Batch {
  readonly parts: readonly Uint8Array[]
  /** Without the block of zeros. */
  readonly bytes: number
}

export class BatchWriter {
  #scratch = Buffer.alloc(64 * 1024)

  /**
   * The parts are good until the next call.
   * @param room bytes that may be written; the block of zeros is left out where it does not fit
   */
  layOut(
    records: readonly UnplacedRecord[],
    { start, room, links }: { start: number; room: number; links: Links },
  ): Batch {
    this.#reserve(records)
    const parts: Uint8Array[] = []
    let bytes = 0
    let filled = 0
    let taken = 0
    for (const record of records) {
      const places = { batchStart: start, position: start + bytes }
      writeFront(this.#scratch, filled, headerOf(record, links, places), record.meta)
      filled += headerBytes + record.metaBytes
      const total = recordBytes(record)
      if (record.payloadBytes > 0) {
        parts.push(this.#scratch.subarray(taken, filled), ...record.payload)
        taken = filled
      }
      filled = this.#zeros(filled, total - headerBytes - record.metaBytes - record.payloadBytes)
      bytes += total
    }
    if (bytes + headerBytes <= room) filled = this.#zeros(filled, headerBytes)
    if (filled > taken) parts.push(this.#scratch.subarray(taken, filled))
    return { parts, bytes }
  }

  #zeros(at: number, count: number): number {
    this.#scratch.fill(0, at, at + count)
    return at + count
  }

  #reserve(records: readonly UnplacedRecord[]): void {
    let need = headerBytes
    for (const { metaBytes } of records) need += metaBytes + 2 * headerBytes
    if (need > this.#scratch.length) this.#scratch = Buffer.alloc(2 * need)
  }
}

function headerOf(
  record: UnplacedRecord,
  links: Links,
  { batchStart, position }: Pick<NewHeader, 'batchStart' | 'position'>,
): NewHeader {
  const { type, metaBytes, payloadBytes, payloadCrc } = record
  return { type, batchStart, position, ...links, metaBytes, payloadBytes, payloadCrc }
}
