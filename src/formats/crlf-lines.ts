const lf = 0x0a
const cr = 0x0d

/**
 * A message with the line ends of this host, as the spool holds it: a LF that stands alone becomes CRLF, a pair stays
 * one, a CR that stands alone stays. A last line without an end is given one.
 */
export class CrlfLines {
  #last = lf

  /** @returns bytes of its own: the chunk may be used again */
  convert(chunk: Uint8Array): Uint8Array {
    const out = Buffer.allocUnsafe(2 * chunk.length)
    let length = 0
    let last = this.#last
    for (const byte of chunk) {
      if (byte === lf && last !== cr) out[length++] = cr
      out[length++] = byte
      last = byte
    }
    this.#last = last
    return out.subarray(0, length)
  }

  /** What the message still needs. */
  end(): Uint8Array {
    if (this.#last === lf) return Buffer.alloc(0)
    return Buffer.from(this.#last === cr ? '\n' : '\r\n')
  }
}
