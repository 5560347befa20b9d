/**
 * Reads the message of a packet: so many octets as were announced, whose lines end in LF or in CR LF, as its first byte
 * says. What comes out has CR LF, by the rules that hold for every message; one with a fault is read to its end all the same.
 * Pure: no I/O. Linear in its input.
 */
import { isAscii } from 'node:buffer'
import { BdatReader } from '../smtp/bdat-reader.ts'
import type {
  ContentFault,
  ContentPart,
  ContentReader,
  ContentRules,
} from '../smtp/content-rules.ts'

export type Encoding = 'LF' | 'CRLF'

const lf = 0x0a
const cr = 0x0d

export class EncodedReader implements ContentReader {
  readonly #reader: BdatReader
  readonly #encoding: Encoding
  #left: number
  #eightBit = false

  /** @param sizeBytes without the byte that names the encoding */
  constructor(rules: ContentRules, encoding: Encoding, sizeBytes: number) {
    this.#reader = new BdatReader(rules)
    this.#encoding = encoding
    this.#left = sizeBytes
    if (encoding === 'CRLF') this.#reader.begin({ sizeBytes, last: true })
  }

  get ended(): boolean {
    return this.#left === 0
  }

  get fault(): ContentFault | undefined {
    return this.#reader.fault
  }

  /** Whether there is a byte outside ASCII among those so far. */
  get eightBit(): boolean {
    return this.#eightBit
  }

  /** As it is kept. */
  get sizeBytes(): number {
    return this.#reader.sizeBytes
  }

  read(chunk: Buffer): ContentPart {
    const used = Math.min(chunk.length, this.#left)
    this.#left -= used
    const piece = used === chunk.length ? chunk : chunk.subarray(0, used)
    this.#eightBit ||= !isAscii(piece)
    if (this.#encoding === 'CRLF') return { used, content: this.#reader.read(piece).content }
    const lines = withCrlf(piece)
    this.#reader.begin({ sizeBytes: lines.length, last: this.#left === 0 })
    return { used, content: this.#reader.read(lines).content }
  }
}

/** Each LF as CR LF; any CR is what it is, and for the rules to judge. */
function withCrlf(piece: Buffer): Buffer {
  let count = 0
  for (let at = piece.indexOf(lf); at >= 0; at = piece.indexOf(lf, at + 1)) count++
  if (count === 0) return piece
  const out = Buffer.allocUnsafe(piece.length + count)
  let length = 0
  let from = 0
  for (let at = piece.indexOf(lf); at >= 0; at = piece.indexOf(lf, from)) {
    length += piece.copy(out, length, from, at)
    out[length++] = cr
    out[length++] = lf
    from = at + 1
  }
  piece.copy(out, length, from)
  return out
}
