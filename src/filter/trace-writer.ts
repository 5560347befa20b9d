import type { Archive } from '../runtime/archive.ts'
import type { Log } from '../runtime/log.ts'
import type { Generation } from './generation.ts'
import { detailJson, headJson, type SessionJson } from './record-json.ts'
import { chainRecord, type TraceRecord } from './trace-record.ts'

/** So many records that wait to be written mean that the archive is overloaded. */
const mostWaiting = 1024

/**
 * Keeps explanations, and never keeps mail waiting for them: nothing here is awaited. When the archive
 * falls behind, those of accepted mail are dropped first, and counted.
 */
export class TraceWriter {
  readonly #archive: Archive
  readonly #log: Log
  #dropped = 0
  /** Since the archive fell behind last; undefined while it keeps up. */
  #missing: number | undefined

  constructor(archive: Archive, log: Log) {
    this.#archive = archive
    this.#log = log
  }

  /** Explanations of accepted mail that were not kept. */
  get dropped(): number {
    return this.#dropped
  }

  /** Before the first record of a generation. */
  useChain(generation: Generation): void {
    this.#archive.noteLater(generation.id, chainRecord(generation))
  }

  write({ head, times, detail }: TraceRecord, session: SessionJson): void {
    if (head.end === 'committed' && this.#isBehind()) {
      this.#dropped += 1
      this.#missing = (this.#missing ?? 0) + 1
      return
    }
    this.#archive.addLater(head, {
      at: times.endedAt,
      counts: true,
      json: () => headJson(head, times, session),
      detail: () => detailJson(detail),
    })
  }

  /** Told once when it begins, and once when it is over. */
  #isBehind(): boolean {
    const { waiting } = this.#archive
    const behind = waiting >= mostWaiting
    if (behind && this.#missing === undefined) {
      this.#missing = 0
      this.#log.warn('traces.behind', { waiting })
    } else if (!behind && this.#missing !== undefined) {
      this.#log.warn('traces.caught-up', { missing: this.#missing })
      this.#missing = undefined
    }
    return behind
  }
}
