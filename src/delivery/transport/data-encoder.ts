const lf = 0x0a
const cr = 0x0d
const space = 0x20
const dot = 0x2e

/**
 * Turns the bytes of a message into lines for a next hop: every line ends in CRLF. A CR or LF that stands alone
 * becomes a space: a peer that took it for a line end would read other lines, and perhaps another message, than
 * our plugins saw. After DATA, dots at the beginning of a line are doubled (RFC 5321 §4.5.2); after BDAT, where
 * the peer counts bytes, they are not.
 */
export class DataEncoder {
  readonly #stuffing: boolean
  #lineStart = true
  #heldCr = false

  constructor({ stuffing = true }: { readonly stuffing?: boolean } = {}) {
    this.#stuffing = stuffing
  }

  encode(chunk: Uint8Array): Buffer {
    const out = Buffer.allocUnsafe(chunk.length * 2 + 1)
    let length = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (this.#heldCr) {
        this.#heldCr = false
        this.#lineStart = byte === lf
        if (byte === lf) {
          out[length++] = cr
          out[length++] = lf
          continue
        }
        out[length++] = space
      }
      if (byte === cr) {
        this.#heldCr = true
        continue
      }
      if (byte === dot && this.#lineStart && this.#stuffing) out[length++] = dot
      out[length++] = byte === lf ? space : byte
      this.#lineStart = false
    }
    return out.subarray(0, length)
  }

  /** Ends the last line if it has no end, and after DATA the message. */
  end(): Buffer {
    const rest = this.#heldCr ? ' \r\n' : this.#lineStart ? '' : '\r\n'
    return Buffer.from(this.#stuffing ? `${rest}.\r\n` : rest)
  }
}
