/**
 * The hash of a body after relaxed canonicalization (RFC 6376 §3.4.4): linear in its bytes, whatever they are, and in
 * constant memory. Read once, however many keys sign it.
 */
import { createHash } from 'node:crypto'
import { PosternError, type Message } from 'postern/plugin'

const tab = 0x09
const lf = 0x0a
const cr = 0x0d
const space = 0x20
const sliceBytes = 16_384
const lineEnd = Buffer.from('\r\n')
const manyLineEnds = Buffer.alloc(2 * sliceBytes, lineEnd)
const blankAlone = Uint8Array.of(space)
/** What a slice becomes: two bytes at most for each of its own, and line ends before it. Free again when `update` returns. */
const piece = new Uint8Array(4 * sliceBytes + 2)

/** SHA-256 in base64. @throws PosternError ABORTED, DISK_FAILED */
export async function relaxedBodyHash(
  message: Pick<Message, 'read' | 'bodyOffset' | 'sizeBytes'>,
  signal: AbortSignal,
): Promise<string> {
  const { bodyOffset, sizeBytes } = message
  const body = new RelaxedBody()
  for await (const chunk of message.read({ offset: bodyOffset, length: sizeBytes - bodyOffset })) {
    if (signal.aborted) throw new PosternError('ABORTED', 'a body was hashed')
    body.update(chunk)
  }
  return body.digest()
}

/** What may yet turn out to be the end of a line or of the body is counted, and written when something follows it. */
export class RelaxedBody {
  readonly #hash = createHash('sha256')
  #empty = true
  #lineEnds = 0
  #blank = false
  #openCr = false

  update(chunk: Uint8Array): void {
    const asItIs = this.#blank || this.#openCr ? 0 : canonicalBytes(chunk)
    if (asItIs > 0) this.#takeAsItIs(chunk, asItIs)
    for (let from = asItIs; from < chunk.length; from += sliceBytes) {
      this.#take(chunk, from, Math.min(from + sliceBytes, chunk.length))
    }
  }

  digest(): string {
    // A CR at the end of all is text, and a blank there is nothing.
    if (this.#openCr) this.#take(blankAlone, 0, 1)
    if (!this.#empty) this.#hash.update(lineEnd)
    return this.#hash.digest('base64')
  }

  /** What most text is, at least for a while. */
  #takeAsItIs(chunk: Uint8Array, length: number): void {
    let end = length
    while (end > 0 && chunk[end - 1] === lf) end -= 2
    if (end > 0) {
      this.#lineEnds = this.#endLines(this.#lineEnds)
      this.#empty = false
      this.#hash.update(chunk.subarray(0, end))
    }
    this.#lineEnds += (length - end) / 2
  }

  /** Every other byte comes by here: what is known is kept in variables, and no byte costs a call. */
  // oxlint-disable-next-line max-params -- a slice
  #take(chunk: Uint8Array, from: number, to: number): void {
    let used = 0
    let lineEnds = this.#lineEnds
    let blank = this.#blank
    let openCr = this.#openCr
    for (let at = from; at < to; at++) {
      let byte = chunk[at] ?? 0
      if (byte <= space || openCr) {
        if (byte === lf) {
          lineEnds += 1
          blank = false
          openCr = false
          continue
        }
        if (openCr) {
          // One that stands alone is text, and what follows it comes next.
          openCr = false
          byte = cr
          at -= 1
        } else if (byte === cr) {
          openCr = true
          continue
        } else if (byte === space || byte === tab) {
          blank = true
          continue
        }
      }
      // More than this slice has: they came before it, and nothing is written yet.
      if (lineEnds > sliceBytes) lineEnds = this.#endLines(lineEnds)
      for (; lineEnds > 0; lineEnds--) {
        piece[used++] = cr
        piece[used++] = lf
      }
      if (blank) piece[used++] = space
      blank = false
      piece[used++] = byte
    }
    this.#lineEnds = lineEnds
    this.#blank = blank
    this.#openCr = openCr
    if (used === 0) return
    this.#empty = false
    this.#hash.update(piece.subarray(0, used))
  }

  #endLines(count: number): 0 {
    for (let left = count; left > 0; left -= sliceBytes) {
      this.#hash.update(manyLineEnds.subarray(0, 2 * Math.min(left, sliceBytes)))
    }
    return 0
  }
}

/** How many bytes at the beginning are such that nothing is to be changed in them: whole line ends, no blanks but single ones. */
function canonicalBytes(chunk: Uint8Array): number {
  let at = 0
  for (; at < chunk.length; at++) {
    const byte = chunk[at] ?? 0
    if (byte > space) continue
    const next = chunk[at + 1]
    if (byte === cr && next === lf) at += 1
    else if (byte === space && next !== undefined && next > space) continue
    else return at
  }
  return at
}
