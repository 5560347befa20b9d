/** The first bytes of a message, gathered as they pass by; linear, however small the pieces are. */
export class MessageHead {
  readonly #limit: number
  #bytes: Uint8Array = new Uint8Array()
  #length = 0

  /** @param limit bytes at which gathering stops; the last piece may go beyond it */
  constructor(limit: number) {
    this.#limit = limit
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** The first piece is lent, not copied: mail of a few kilobytes comes in one. */
  add(piece: Uint8Array): void {
    if (this.#length >= this.#limit) return
    if (this.#length === 0) {
      this.#bytes = piece
    } else {
      this.#makeRoom(piece.length)
      this.#bytes.set(piece, this.#length)
    }
    this.#length += piece.length
  }

  #makeRoom(length: number): void {
    const needed = this.#length + length
    const lent = this.#bytes.length === this.#length
    if (!lent && needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed + 1, 2 * this.#bytes.length))
    grown.set(this.bytes)
    this.#bytes = grown
  }
}
