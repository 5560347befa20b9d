/**
 * Bytes in, lines out. A line ends in LF, with or without a CR before it, as qmail-popup reads it: there is nothing
 * here that a client could smuggle. One that is too long is reported once and dropped up to its end.
 */

const lf = 0x0a
const cr = 0x0d
/** What a client may send ahead of our answers. */
const fullBytes = 8_192

/** A line, or that there was one that is too long to be anything. */
export type Line = string | typeof tooLong

export const tooLong: { readonly tooLong: true } = Object.freeze({ tooLong: true })

export class LineReader {
  readonly #maxLineBytes: number
  #bytes: Buffer = Buffer.alloc(0)
  #dropping = false

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /** Whoever fills it stops meanwhile. */
  get full(): boolean {
    return this.#bytes.length > fullBytes
  }

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
  }

  /** The next line as latin1 text without its end; undefined until there is a whole one. */
  line(): Line | undefined {
    for (;;) {
      const end = this.#bytes.indexOf(lf)
      if (end < 0) {
        if (this.#bytes.length < this.#maxLineBytes) return undefined
        const reported = this.#dropping
        this.#dropping = true
        this.#bytes = Buffer.alloc(0)
        return reported ? undefined : tooLong
      }
      const line = this.#bytes.subarray(0, end)
      this.#bytes = this.#bytes.subarray(end + 1)
      if (this.#dropping) {
        this.#dropping = false
        continue
      }
      if (line.length >= this.#maxLineBytes) return tooLong
      return line.toString('latin1', 0, line.at(-1) === cr ? end - 1 : end)
    }
  }

  /** What has not become a line, or has not been read: for somebody else. */
  take(): Buffer {
    const bytes = this.#bytes
    this.clear()
    return bytes
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0)
    this.#dropping = false
  }
}
