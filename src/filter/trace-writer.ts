import type { Archive } from '../runtime/archive.ts'
import type { Generation } from './generation.ts'
import { chainRecord, type TraceRecord } from './trace-record.ts'

/** So many records that wait to be written mean that the archive is overloaded. */
const mostWaiting = 1024

/**
 * Keeps explanations, and never keeps mail waiting for them: nothing here is awaited. When the archive
 * falls behind, those of accepted mail are dropped first, and counted.
 */
export class TraceWriter {
  readonly #archive: Archive
  #dropped = 0

  constructor(archive: Archive) {
    this.#archive = archive
  }

  /** Explanations of accepted mail that were not kept. */
  get dropped(): number {
    return this.#dropped
  }

  /** Before the first record of a generation. */
  useChain(generation: Generation): void {
    this.#archive.noteLater(generation.id, chainRecord(generation))
  }

  write(record: TraceRecord): void {
    if (record.end === 'committed' && this.#archive.waiting >= mostWaiting) {
      this.#dropped += 1
      return
    }
    this.#archive.addLater(record, { at: record.endedAt, counts: true })
  }
}
