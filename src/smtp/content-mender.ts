/**
 * Makes CRLF of each CR or LF that stands alone, and drops NULs, as far as the rules ask for it. What it gives back is
 * what everybody sees, so it never guesses where a message ends: it comes after that was found. Linear; bytes may come
 * cut anywhere.
 */
import { isMended, type ContentRules } from './content-rules.ts'
import { nextControl } from './next-control.ts'

const lf = 0x0a
const cr = 0x0d

export class ContentMender {
  readonly #lineEnds: boolean
  readonly #nul: boolean
  /** The last byte was a CR; its LF was written already. */
  #afterCr = false

  private constructor(rules: ContentRules) {
    this.#lineEnds = isMended('bare LF', rules)
    this.#nul = isMended('NUL', rules)
  }

  /** One for a message under these rules; `undefined` where they leave nothing to mend. */
  static for(rules: ContentRules): ContentMender | undefined {
    const mender = new ContentMender(rules)
    return mender.#lineEnds || mender.#nul ? mender : undefined
  }

  /** @returns the same bytes where nothing is wrong with them */
  mend(piece: Uint8Array): Uint8Array {
    const first = this.#firstToMend(piece)
    if (first === piece.length) return piece
    // Each CR or LF becomes two bytes at most.
    const out = Buffer.allocUnsafe(first + 2 * (piece.length - first))
    out.set(piece.subarray(0, first))
    let length = first
    for (let at = first; at < piece.length; at++) {
      const byte = piece[at] ?? 0
      if (byte === 0 && this.#nul) continue
      const followsCr = this.#afterCr
      this.#afterCr = this.#lineEnds && byte === cr
      if (!this.#lineEnds || (byte !== cr && byte !== lf)) {
        out[length++] = byte
      } else if (byte === cr || !followsCr) {
        out[length++] = cr
        out[length++] = lf
      }
    }
    return out.subarray(0, length)
  }

  /** Up to here the bytes are as they should be. A CR at the very end is not: its LF is not here. */
  #firstToMend(piece: Uint8Array): number {
    if (this.#afterCr) return 0
    const view = new DataView(piece.buffer, piece.byteOffset, piece.length)
    for (let at = 0; ;) {
      at = nextControl(view, at)
      if (at === piece.length) return at
      const byte = piece[at]
      const lineEnd = this.#lineEnds && (byte === cr || byte === lf)
      if (lineEnd && byte === cr && piece[at + 1] === lf) at += 2
      else if (lineEnd || (this.#nul && byte === 0)) return at
      else at++
    }
  }
}
