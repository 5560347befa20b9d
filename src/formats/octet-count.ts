const lf = 0x0a
const cr = 0x0d

/** Counts what a message with LF line ends has with CRLF, as POP3 and IMAP tell sizes (RFC 1939 §11, RFC 3501 §2.3.4). */
export class OctetCount {
  #octets = 0
  #last: number = lf

  add(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.#octets += bytes.length
    for (let at = bytes.indexOf(lf); at >= 0; at = bytes.indexOf(lf, at + 1)) {
      const before = at === 0 ? this.#last : bytes[at - 1]
      if (before !== cr) this.#octets++
    }
    this.#last = bytes.at(-1) ?? this.#last
  }

  /** Whether the last line has an end. */
  get ended(): boolean {
    return this.#last === lf
  }

  /** With the end of the last line, if it has none. */
  get octets(): number {
    return this.#octets + (this.ended ? 0 : 2)
  }
}
