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
const pieceBytes = 65_536

/** SHA-256 in base64. @throws PosternError ABORTED, DISK_FAILED */
export async function relaxedBodyHash(message: Message, signal: AbortSignal): Promise<string> {
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
  readonly #piece = Buffer.allocUnsafe(pieceBytes)
  #used = 0
  #empty = true
  #lineEnds = 0
  #blank = false
  #openCr = false

  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (this.#openCr) {
        this.#openCr = false
        if (byte !== lf) this.#text(cr)
      }
      if (byte === lf) {
        this.#lineEnds += 1
        this.#blank = false
      } else if (byte === cr) this.#openCr = true
      else if (byte === space || byte === tab) this.#blank = true
      else this.#text(byte)
    }
  }

  digest(): string {
    if (this.#openCr) this.#text(cr)
    if (!this.#empty) this.#lineEnd()
    this.#hash.update(this.#piece.subarray(0, this.#used))
    return this.#hash.digest('base64')
  }

  #text(byte: number): void {
    for (; this.#lineEnds > 0; this.#lineEnds--) this.#lineEnd()
    if (this.#blank) this.#write(space)
    this.#blank = false
    this.#write(byte)
  }

  #lineEnd(): void {
    this.#write(cr)
    this.#write(lf)
  }

  #write(byte: number): void {
    if (this.#used === pieceBytes) {
      this.#hash.update(this.#piece)
      this.#used = 0
    }
    this.#piece[this.#used++] = byte
    this.#empty = false
  }
}
