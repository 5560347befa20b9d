const lf = 0x0a
const cr = 0x0d
const space = 0x20
const dot = 0x2e
/** What is not the same outside: a CR or LF that stands alone, a dot at the beginning of a line. */
const changed = /\r(?!\n)|(?<!\r)\n|\n\./

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

  /** @returns bytes that may be the chunk's own */
  encode(chunk: Uint8Array): Buffer {
    return this.#asItIs(chunk) ?? this.#encoded(chunk)
  }

  /** Most text goes out as it came: looking for what does not costs a third of going through its bytes. */
  #asItIs(chunk: Uint8Array): Buffer | undefined {
    if (this.#heldCr || (this.#lineStart && chunk[0] === dot) || chunk.length === 0)
      return undefined
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const text = bytes.toString('latin1')
    // The LF of a CR that was held is not here: one at the beginning stands alone.
    if (changed.test(text)) return undefined
    this.#lineStart = text.endsWith('\n')
    return bytes
  }

  #encoded(chunk: Uint8Array): Buffer {
    const out = Buffer.allocUnsafe(chunk.length * 2 + 1)
    const stuffing = this.#stuffing
    let lineStart = this.#lineStart
    let heldCr = this.#heldCr
    let length = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (heldCr) {
        heldCr = false
        lineStart = byte === lf
        if (byte === lf) {
          out[length++] = cr
          out[length++] = lf
          continue
        }
        out[length++] = space
      }
      if (byte === cr) {
        heldCr = true
        continue
      }
      if (byte === dot && lineStart && stuffing) out[length++] = dot
      out[length++] = byte === lf ? space : byte
      lineStart = false
    }
    this.#lineStart = lineStart
    this.#heldCr = heldCr
    return out.subarray(0, length)
  }

  /** Ends the last line if it has no end, and after DATA the message. */
  end(): Buffer {
    const rest = this.#heldCr ? ' \r\n' : this.#lineStart ? '' : '\r\n'
    return Buffer.from(this.#stuffing ? `${rest}.\r\n` : rest)
  }
}
