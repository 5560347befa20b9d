const lf = 0x0a
const cr = 0x0d
const space = 0x20
const dot = 0x2e

/**
 * Turns the bytes of a message into what follows DATA (RFC 5321 §4.5.2): dots at the beginning of a line
 * are doubled, and every line ends in CRLF. A CR or LF that stands alone becomes a space: a peer that
 * took it for a line end would read other lines, and perhaps another message, than our plugins saw.
 */
export class DataEncoder {
  #lineStart = true
  #heldCr = false

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
      if (byte === dot && this.#lineStart) out[length++] = dot
      out[length++] = byte === lf ? space : byte
      this.#lineStart = false
    }
    return out.subarray(0, length)
  }

  /** Ends the last line if it has no end, and the message. */
  end(): Buffer {
    if (this.#heldCr) return Buffer.from(' \r\n.\r\n')
    return Buffer.from(this.#lineStart ? '.\r\n' : '\r\n.\r\n')
  }
}
