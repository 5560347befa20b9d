/** Records that go to the archive's thread together, made into few pieces as they come. */
import type { JsonObject } from '../../mail/json.ts'
import type { RecordAbout, Term } from '../archive.ts'
import { packTerm } from './archive-index.ts'
import type { RecordBatch } from './archive-protocol.ts'
import { GrowingBytes } from './growing-bytes.ts'

/** What a term takes, beside the bytes of its record. */
const bytesOfTerm = 8
/** Enough for some hundred records of plain mail; a few that come alone do not fill it. */
const firstBytes = 65_536

export class GrowingBatch {
  readonly #ats: number[] = []
  readonly #lengths: number[] = []
  readonly #detailLengths: number[] = []
  readonly #terms: number[] = []
  readonly #termCounts: number[] = []
  readonly #values = new GrowingBytes(firstBytes)

  get records(): number {
    return this.#ats.length
  }

  /** About what it takes of the memory. */
  get sizeBytes(): number {
    return this.#values.length + bytesOfTerm * this.#terms.length
  }

  add(value: JsonObject, about: RecordAbout, terms: readonly Term[]): void {
    const { at, counts } = about
    const length = this.#values.put(about.json?.() ?? JSON.stringify(value))
    this.#ats.push(at)
    this.#lengths.push(counts ? length : -length)
    this.#detailLengths.push(this.#values.put(about.detail?.() ?? ''))
    const before = this.#terms.length
    for (const term of terms) {
      const packed = packTerm(term)
      if (packed !== undefined) this.#terms.push(packed)
    }
    this.#termCounts.push(this.#terms.length - before)
  }

  finish(notes: RecordBatch['notes']): RecordBatch {
    return {
      ats: new Float64Array(this.#ats),
      lengths: new Int32Array(this.#lengths),
      detailLengths: new Int32Array(this.#detailLengths),
      values: this.#values.take(),
      terms: new Float64Array(this.#terms),
      termCounts: new Int32Array(this.#termCounts),
      notes,
    }
  }
}
