/**
 * Reads a message as BDAT sends it (RFC 3030 §2): octets that are counted, not searched, chunk after chunk, and watches
 * for what no mail may hold. A line, even a CRLF, may begin in one chunk and end in the next. A message with a fault is
 * still read as far as it was announced, its octets dropped, so that the session stays in step.
 * Pure: no I/O. Linear in its input, whatever that is.
 */
import type { Chunk } from './command.ts'
import { ContentMender } from './content-mender.ts'
import {
  isMended,
  type ContentFault,
  type ContentPart,
  type ContentReader,
  type ContentRules,
} from './content-rules.ts'
import { nextControl } from './next-control.ts'

const lf = 0x0a
const cr = 0x0d

export class BdatReader implements ContentReader {
  readonly #rules: ContentRules
  readonly #mender: ContentMender | undefined
  #left = 0
  #last = false
  #fault: ContentFault | undefined
  #sizeBytes = 0
  #afterCr = false
  /** Nothing is looked at any more: behind the header of a binary message. */
  #beyond = false
  /** Bytes of the current line so far. */
  #lineBytes = 0

  constructor(rules: ContentRules) {
    this.#rules = rules
    this.#mender = ContentMender.for(rules)
  }

  /** The chunk is read. */
  get ended(): boolean {
    return this.#left === 0
  }

  get fault(): ContentFault | undefined {
    return this.#fault
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  begin({ sizeBytes, last }: Chunk): void {
    this.#left = sizeBytes
    this.#last = last
    this.#limitSize(this.#sizeBytes + sizeBytes)
    if (sizeBytes === 0) this.#end()
  }

  read(chunk: Buffer): ContentPart {
    const used = Math.min(chunk.length, this.#left)
    this.#left -= used
    const piece = used === chunk.length ? chunk : chunk.subarray(0, used)
    if (this.#fault === undefined && !this.#beyond) this.#check(piece)
    if (this.#left === 0) this.#end()
    if (this.#fault !== undefined) return { used, content: undefined }
    const content = this.#mender === undefined ? piece : this.#mender.mend(piece)
    this.#sizeBytes += content.length
    this.#limitSize(this.#sizeBytes)
    return { used, content: this.#fault === undefined ? content : undefined }
  }

  #check(piece: Uint8Array): void {
    const view = new DataView(piece.buffer, piece.byteOffset, piece.length)
    let lineFrom = -this.#lineBytes
    let at = 0
    while (at < piece.length) {
      if (this.#afterCr) {
        this.#afterCr = false
        const isCrlf = piece[at] === lf
        if (isCrlf) at++
        else this.#meet('bare CR')
        this.#limitLine(at - lineFrom)
        // The empty line.
        this.#beyond = this.#rules.binary === true && isCrlf && at - lineFrom === 2
        if (this.#beyond) return
        lineFrom = at
      }
      at = nextControl(view, at)
      if (at === piece.length) break
      const byte = piece[at++]
      if (byte === cr) {
        this.#afterCr = true
      } else if (byte === lf) {
        this.#meet('bare LF')
        this.#limitLine(at - lineFrom)
        lineFrom = at
      } else if (byte === 0) {
        this.#meet('NUL')
      }
    }
    this.#lineBytes = piece.length - lineFrom
  }

  /** Nobody can finish the line that the last chunk leaves open. */
  #end(): void {
    if (!this.#last || this.#beyond) return
    if (this.#afterCr) this.#meet('bare CR')
    this.#limitLine(this.#lineBytes)
  }

  #meet(fault: ContentFault): void {
    if (!isMended(fault, this.#rules)) this.#fault ??= fault
  }

  #limitLine(bytes: number): void {
    const { maxLineBytes } = this.#rules
    if (maxLineBytes > 0 && bytes > maxLineBytes) this.#fault ??= 'long line'
  }

  #limitSize(bytes: number): void {
    const { maxBytes } = this.#rules
    if (maxBytes > 0 && bytes > maxBytes) this.#fault ??= 'too big'
  }
}
