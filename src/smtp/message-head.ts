import { headerEnd } from '../mail/header.ts'

/** The header of a message, gathered as it passes by; linear, however small the pieces are. */
export class MessageHead {
  readonly #limit: number
  #gathered: Uint8Array = new Uint8Array()
  #length = 0
  /** Where the body begins, once it has. */
  #end = -1

  /** @param limit bytes at which gathering stops; the last piece may go beyond it */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** The header with its empty line, or what there is of it. */
  get bytes(): Uint8Array {
    return this.#gathered.subarray(0, this.#end === -1 ? this.#length : this.#end)
  }

  /** The header is longer than the limit. */
  get cut(): boolean {
    return this.bytes.length > this.#limit
  }

  /** The first piece is lent, not copied: mail of a few kilobytes comes in one. */
  add(piece: Uint8Array): void {
    if (this.#end !== -1 || this.#length > this.#limit) return
    const before = this.#length
    if (before === 0) {
      this.#gathered = piece
    } else {
      this.#makeRoom(piece.length)
      this.#gathered.set(piece, before)
    }
    this.#length += piece.length
    this.#end = headerEnd(this.#gathered.subarray(0, this.#length), before)
  }

  #makeRoom(length: number): void {
    const needed = this.#length + length
    const lent = this.#gathered.length === this.#length
    if (!lent && needed <= this.#gathered.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed + 1, 2 * this.#gathered.length))
    grown.set(this.#gathered.subarray(0, this.#length))
    this.#gathered = grown
  }
}
