/**
 * Quoted-printable as mail programs read it (RFC 2045 §6.7): an `=` without two digits stands for itself, blanks at the end
 * of a line are dropped. Chunks of any size give the same bytes.
 */
import { hexAt } from './encoded-words.ts'

const equals = 0x3d
const lf = 0x0a
const cr = 0x0d

/** More blanks in a row are kept: who writes them means no line end. */
const longestRun = 1024

export class QuotedPrintableDecoder {
  /** An `=` and what follows it, or blanks that may end a line: not decided yet. */
  #held: Buffer = Buffer.alloc(0)

  push(chunk: Uint8Array): Uint8Array {
    return this.#decode(Buffer.concat([this.#held, chunk]), false)
  }

  end(): Uint8Array {
    return this.#decode(this.#held, true)
  }

  #decode(bytes: Buffer, last: boolean): Uint8Array {
    const out = Buffer.allocUnsafe(bytes.length)
    let length = 0
    let at = 0
    while (at < bytes.length) {
      const byte = bytes[at] ?? 0
      if (byte !== equals && (!isBlank(byte) || isInside(bytes[at + 1]))) {
        out[length++] = byte
        at += 1
        continue
      }
      const run = byte === equals ? at + 1 : at
      const after = afterBlanks(bytes, run)
      const long = after - run === longestRun
      if (after + 1 >= bytes.length && !long && !last) break
      const lineEnd = long ? 0 : lineEndAt(bytes, after)
      const atEnd = !long && (lineEnd > 0 || after === bytes.length)
      if (byte === equals) {
        const value = hexAt(bytes, at + 1)
        if (value >= 0) {
          out[length++] = value
          at += 3
        } else if (atEnd) {
          at = after + lineEnd
        } else {
          out[length++] = byte
          at += 1
        }
      } else {
        if (!atEnd) length += bytes.copy(out, length, at, after)
        at = after
      }
    }
    this.#held = bytes.subarray(at)
    return out.subarray(0, length)
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

/** Whether a blank before this byte cannot be at the end of a line. */
function isInside(next: number | undefined): boolean {
  return next !== undefined && next > 0x20
}

function afterBlanks(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && at - from < longestRun && isBlank(bytes[at])) at++
  return at
}

/** How many bytes the line end at `at` has. */
function lineEndAt(bytes: Buffer, at: number): number {
  if (bytes[at] === lf) return 1
  if (bytes[at] !== cr) return 0
  return bytes[at + 1] === lf ? 2 : 1
}
