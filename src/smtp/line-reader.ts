/**
 * Bytes in, lines out: what a connection has received and nobody has read yet. Lines end in CR LF and in nothing else
 * (RFC 5321 §2.3.8); one that is too long, or holds a bare LF, is spoilt: it is reported once, then dropped up to its
 * true end. Whoever fills it stops while it is `full`.
 */

export interface SpoiltLine {
  readonly spoilt: 'too long' | 'bare line end'
}

const tooLong: SpoiltLine = Object.freeze({ spoilt: 'too long' })
const bareLineEnd: SpoiltLine = Object.freeze({ spoilt: 'bare line end' })

const lf = 0x0a
const cr = 0x0d
const fullBytes = 65_536
/** A client that sends byte by byte fills memory with buffers, not with bytes. */
const fullChunks = 256

export class LineReader {
  readonly #maxLineBytes: number
  #chunk: Buffer | undefined
  /** The first byte that was not read yet, and the first that was not searched for a line end. */
  #at = 0
  #searched = 0
  /** Chunks after the current one. */
  readonly #held: Buffer[] = []
  #heldBytes = 0
  /** The line that begins at `#at` was reported already. */
  #spoilt = false

  /** @param maxLineBytes the longest line, CR LF included */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  get full(): boolean {
    return this.#heldBytes > fullBytes || this.#held.length > fullChunks
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    if (this.#chunk === undefined) {
      this.#start(chunk, 0)
    } else {
      this.#held.push(chunk)
      this.#heldBytes += chunk.length
    }
  }

  /** The next line as latin1 text, without its CR LF; `undefined` until there is a whole one. */
  line(): string | SpoiltLine | undefined {
    for (let chunk = this.#chunk; chunk !== undefined; chunk = this.#chunk) {
      const end = chunk.indexOf(lf, this.#searched)
      if (end !== -1) {
        const line = this.#lineTo(chunk, end)
        if (line !== undefined) return line
        continue
      }
      const over = !this.#spoilt && chunk.length - this.#at >= this.#maxLineBytes
      this.#spoilt ||= over
      const more = this.#keepTail(chunk)
      if (over) return tooLong
      if (!more) return undefined
    }
    return undefined
  }

  /** The bytes at hand, as far as they lie together; to be followed by `skip`. */
  rest(): Buffer | undefined {
    return this.#at === 0 ? this.#chunk : this.#chunk?.subarray(this.#at)
  }

  /** Takes out bytes that `rest` showed. */
  skip(bytes: number): void {
    this.#advance(this.#at + bytes)
  }

  /** Forgets everything. */
  clear(): void {
    this.#held.length = 0
    this.#heldBytes = 0
    this.#spoilt = false
    this.#start(undefined, 0)
  }

  /** The line whose LF stands at `end`; `undefined` if it was reported already. */
  #lineTo(chunk: Buffer, end: number): string | SpoiltLine | undefined {
    const start = this.#at
    const reported = this.#spoilt
    const bare = end === start || chunk[end - 1] !== cr
    this.#spoilt = bare
    this.#advance(end + 1)
    if (reported) return undefined
    if (bare) return bareLineEnd
    return end + 1 - start > this.#maxLineBytes ? tooLong : chunk.toString('latin1', start, end - 1)
  }

  #advance(to: number): void {
    this.#at = to
    this.#searched = to
    if (this.#chunk !== undefined && to >= this.#chunk.length) this.#start(this.#nextHeld(), 0)
  }

  /** Of a line without its end, keeps what is needed (a copy, so that a large chunk can go). @returns whether more came */
  #keepTail(chunk: Buffer): boolean {
    const tail = chunk.subarray(this.#spoilt ? chunk.length - 1 : this.#at)
    const next = this.#nextHeld()
    this.#start(next === undefined ? Buffer.from(tail) : Buffer.concat([tail, next]), tail.length)
    return next !== undefined
  }

  #nextHeld(): Buffer | undefined {
    const next = this.#held.shift()
    this.#heldBytes -= next?.length ?? 0
    return next
  }

  #start(chunk: Buffer | undefined, searched: number): void {
    this.#chunk = chunk
    this.#at = 0
    this.#searched = searched
  }
}
