/** Bytes up to a bound. What is more than that is dropped. */
export class Kept {
  readonly #chunks: Uint8Array[] = []
  #room: number

  constructor(most: number) {
    this.#room = most
  }

  get all(): Uint8Array {
    return Buffer.concat(this.#chunks)
  }

  add(bytes: Uint8Array): void {
    const taken = bytes.slice(0, this.#room)
    this.#room -= taken.length
    this.#chunks.push(taken)
  }
}
