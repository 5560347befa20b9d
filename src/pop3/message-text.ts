/**
 * A file of a Maildir as a client gets it: every line ends in CR LF, a dot at its beginning is doubled (RFC 1939 §3), the
 * last line has an end. For TOP, the header and so many lines of the body.
 */
const lf = 0x0a
const cr = 0x0d
const dot = 0x2e

export class MessageText {
  readonly #bodyLines: number
  #lineStart = true
  #lineEmpty = true
  #heldCr = false
  #inBody = false
  #lines = 0
  #done = false

  /** @param bodyLines of the body, after the header; all where absent */
  constructor(bodyLines = Number.POSITIVE_INFINITY) {
    this.#bodyLines = bodyLines
  }

  /** Nothing that follows is wanted. */
  get done(): boolean {
    return this.#done
  }

  encode(chunk: Uint8Array): Buffer {
    const out = Buffer.allocUnsafe(chunk.length * 2 + 1)
    let length = 0
    for (const byte of chunk) {
      if (this.#done) break
      if (byte === lf) {
        out[length++] = cr
        out[length++] = lf
        this.#heldCr = false
        this.#endLine()
        continue
      }
      if (this.#heldCr) {
        out[length++] = cr
        this.#lineEmpty = false
      }
      this.#heldCr = byte === cr
      if (byte === dot && this.#lineStart) out[length++] = dot
      this.#lineStart = false
      if (this.#heldCr) continue
      out[length++] = byte
      this.#lineEmpty = false
    }
    return out.subarray(0, length)
  }

  /** What ends the last line, if it has no end, and the whole. */
  end(): Buffer {
    const open = this.#heldCr || !this.#lineStart
    return Buffer.from(`${this.#heldCr ? '\r' : ''}${open ? '\r\n' : ''}.\r\n`)
  }

  #endLine(): void {
    if (this.#inBody) this.#lines++
    else if (this.#lineEmpty) this.#inBody = true
    this.#lineStart = true
    this.#lineEmpty = true
    this.#done = this.#inBody && this.#lines >= this.#bodyLines
  }
}
