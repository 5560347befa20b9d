/**
 * The index of one segment of an archive: for each kind of term one list of numbers, sorted, with the payload above and the
 * record's place in the segment below. It is made once, when the segment is full, so that a record costs nothing but its own
 * row while mail is waiting.
 */
import { payloadLimit, type Term, type TermRange } from '../archive.ts'

/** Records of one segment: few enough to be read and sorted within some milliseconds. */
export const segmentRecords = 512
/** Places for them beside a payload of 43 bits: together 53, what a double holds exactly. */
const places = 1024

/** A term as one number: 5 bits of kind above 43 of payload. @returns undefined for what no list can hold */
export function packTerm([kind, payload]: Term): number | undefined {
  const holds = Number.isInteger(payload) && payload >= 0 && payload < payloadLimit
  return holds ? kind * payloadLimit + payload : undefined
}

/** The terms of a segment's records, as they come, until it is full. */
export class GrowingIndex {
  readonly #lists: number[][] = []
  readonly #taken = new Uint8Array(segmentRecords)
  #records = 0

  /** How many records it has the terms of. */
  get records(): number {
    return this.#records
  }

  has(place: number): boolean {
    return this.#taken[place] === 1
  }

  /** @param terms packed */
  take(place: number, terms: Float64Array): void {
    this.#taken[place] = 1
    this.#records += 1
    for (const term of terms) {
      const kind = Math.floor(term / payloadLimit)
      const posting = (term - kind * payloadLimit) * places + place
      const list = this.#lists[kind]
      if (list === undefined) this.#lists[kind] = [posting]
      else list.push(posting)
    }
  }

  /** Kind → the list, as bytes. */
  *postings(): Generator<readonly [kind: number, list: Uint8Array], void> {
    for (const [kind, list] of this.#lists.entries()) {
      if (list !== undefined) yield [kind, new Uint8Array(new Float64Array(list).sort().buffer)]
    }
  }
}

/** Adds the places of the records within the range to `found`. */
export function searchPostings(
  bytes: Uint8Array,
  { from, to }: Pick<TermRange, 'from' | 'to'>,
  found: Set<number>,
): void {
  const list = asNumbers(bytes)
  const end = (to + 1) * places
  for (let at = firstAtLeast(list, from * places); at < list.length; at++) {
    const each = list[at] ?? Infinity
    if (each >= end) return
    found.add(each % places)
  }
}

/** All of a list, the lowest payloads first. */
export function* placesByPayload(
  bytes: Uint8Array,
): Generator<readonly [payload: number, place: number], void> {
  for (const each of asNumbers(bytes)) yield [Math.floor(each / places), each % places]
}

/** Whether a record that is in no index yet has a term within one of the ranges. */
export function hasTerm(terms: readonly Term[], ranges: readonly TermRange[]): boolean {
  return ranges.some(({ kind, from, to }) =>
    terms.some(([own, payload]) => own === kind && payload >= from && payload <= to),
  )
}

function asNumbers(bytes: Uint8Array): Float64Array {
  const length = Math.floor(bytes.length / 8)
  return bytes.byteOffset % 8 === 0
    ? new Float64Array(bytes.buffer, bytes.byteOffset, length)
    : new Float64Array(bytes.slice(0, length * 8).buffer)
}

function firstAtLeast(list: Float64Array, wanted: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] ?? Infinity) < wanted) low = middle + 1
    else high = middle
  }
  return low
}
