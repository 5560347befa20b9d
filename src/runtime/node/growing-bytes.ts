/**
 * Texts, one after the other, as UTF-8. What is gathered for a tenth of a second as strings outlives many collections of
 * garbage, each of which moves it; these bytes lie still, and whoever writes them or hands them to a thread copies nothing.
 */

/** No character of a string takes more. */
const mostBytesPerUnit = 3

export class GrowingBytes {
  #bytes: Buffer<ArrayBuffer>
  #length = 0

  /** @param expected bytes; more make it grow */
  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafeSlow(expected)
  }

  get length(): number {
    return this.#length
  }

  /** @returns how many bytes it took */
  put(text: string): number {
    const most = this.#length + text.length * mostBytesPerUnit
    if (most > this.#bytes.length) this.#grow(most)
    const taken = this.#bytes.write(text, this.#length)
    this.#length += taken
    return taken
  }

  /** All of it, with its memory: nothing is put into it any more. */
  take(): Buffer<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#length)
    this.#bytes = Buffer.allocUnsafeSlow(0)
    this.#length = 0
    return taken
  }

  #grow(most: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(most, 2 * this.#bytes.length))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
