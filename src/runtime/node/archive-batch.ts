/** Records that go to the archive's thread together, made into few pieces as they come. */
import type { JsonObject } from '../../mail/json.ts'
import type { RecordAbout, Term } from '../archive.ts'
import { packTerm } from './archive-index.ts'
import type { RecordBatch } from './archive-protocol.ts'

/** What a term takes, beside the characters of its record. */
const charsOfTerm = 8

export class GrowingBatch {
  readonly #ats: number[] = []
  readonly #lengths: number[] = []
  readonly #detailLengths: number[] = []
  readonly #terms: number[] = []
  readonly #termCounts: number[] = []
  readonly #values: string[] = []
  #chars = 0

  get records(): number {
    return this.#ats.length
  }

  /** About what it takes of the memory. */
  get chars(): number {
    return this.#chars + charsOfTerm * this.#terms.length
  }

  add(value: JsonObject, about: RecordAbout, terms: readonly Term[]): void {
    const { at, counts } = about
    const json = about.json?.() ?? JSON.stringify(value)
    const detail = about.detail?.() ?? ''
    this.#ats.push(at)
    this.#lengths.push(counts ? json.length : -json.length)
    this.#detailLengths.push(detail.length)
    this.#values.push(inOnePiece(json + detail))
    this.#chars += json.length + detail.length
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
      values: this.#values.join(''),
      terms: new Float64Array(this.#terms),
      termCounts: new Int32Array(this.#termCounts),
      notes,
    }
  }
}

/** A text that was put together stays a tree of its parts until somebody reads it, and each of them is moved by the garbage collector. */
function inOnePiece(text: string): string {
  // Whatever makes a number of a text has it in one piece first; of JSON it looks at no more than the first character.
  Number(text)
  return text
}
