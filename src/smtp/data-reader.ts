/**
 * Reads a message as DATA sends it (RFC 5321 §4.1.1.4, §4.5.2): finds its end, takes the dots off, and watches
 * for what no mail may hold. The data ends on CR LF . CR LF and on nothing else; bytes may come cut anywhere.
 * A message with a fault is read to its true end, its bytes dropped, so that the session stays in step.
 * Where the rules mend what is wrong, the end and the dots are still those of the bytes as received.
 * Pure: no I/O. Linear in its input, whatever that is.
 */
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
const dot = 0x2e
const oneCr = Buffer.from([cr])
const noBytes = Buffer.alloc(0)

/** What came before the next byte: a CRLF (or DATA itself), that and a dot, that and a CR; a CR; anything else. */
type Before = 'line start' | 'dot' | 'dot CR' | 'CR' | 'text'

export class DataReader implements ContentReader {
  readonly #rules: ContentRules
  readonly #mender: ContentMender | undefined
  #before: Before = 'line start'
  #fault: ContentFault | undefined
  #ended = false
  #sizeBytes = 0
  /** Where the current line began, counted from the chunk's first byte: negative where it was in an earlier chunk. */
  #lineFrom = 0
  /** A CR that belonged to the last chunk turned out to be content. */
  #owesCr = false

  constructor(rules: ContentRules) {
    this.#rules = rules
    this.#mender = ContentMender.for(rules)
  }

  /** The final dot was read. */
  get ended(): boolean {
    return this.#ended
  }

  get fault(): ContentFault | undefined {
    return this.#fault
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  read(chunk: Buffer): ContentPart {
    const content = new Content(chunk)
    if (this.#before === 'dot' || this.#before === 'dot CR') content.cutAt(0)
    const used = this.#scan(chunk, content)
    this.#lineFrom -= used
    const kept = this.#fault === undefined ? this.#mended(content.finish(used)) : undefined
    if (kept !== undefined) this.#sizeBytes += kept.length
    const { maxBytes } = this.#rules
    if (maxBytes > 0 && this.#sizeBytes > maxBytes) this.#fault ??= 'too big'
    return { used, content: this.#fault === undefined ? kept : undefined }
  }

  #mended(content: Uint8Array | undefined): Uint8Array | undefined {
    if (this.#mender === undefined) return content
    const whole = this.#owesCr ? Buffer.concat([oneCr, content ?? noBytes]) : content
    this.#owesCr = false
    return whole === undefined ? undefined : this.#mender.mend(whole)
  }

  #meet(fault: ContentFault): void {
    if (!isMended(fault, this.#rules)) this.#fault ??= fault
  }

  /** The next line begins at `at`. */
  #endLine(at: number): void {
    const { maxLineBytes } = this.#rules
    if (maxLineBytes > 0 && at - this.#lineFrom > maxLineBytes) this.#fault ??= 'long line'
    this.#lineFrom = at
  }

  /** @returns the offset after the last byte used */
  #scan(chunk: Buffer, content: Content): number {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
    let at = 0
    while (at < chunk.length) {
      const byte = chunk[at]
      switch (this.#before) {
        case 'line start':
          if (byte === dot) {
            content.cutAt(at++)
            this.#before = 'dot'
          } else {
            at = this.#scanText(chunk, view, at)
          }
          break
        case 'dot':
          if (byte === cr) {
            at++
            this.#before = 'dot CR'
          } else {
            content.resumeAt(at)
            this.#lineFrom++
            this.#before = 'text'
          }
          break
        case 'dot CR':
          if (byte === lf) {
            this.#ended = true
            return at + 1
          }
          this.#meet('bare CR')
          this.#owesCr = at === 0
          content.resumeAt(Math.max(0, at - 1))
          this.#lineFrom = at
          this.#before = 'text'
          break
        case 'CR':
          if (byte === lf) at++
          else this.#meet('bare CR')
          this.#endLine(at)
          this.#before = byte === lf ? 'line start' : 'text'
          break
        case 'text':
          at = this.#scanText(chunk, view, at)
          break
      }
    }
    return at
  }

  /** To behind the next CR, or to the end of the chunk. Once there is a fault, only CR matters. */
  #scanText(chunk: Buffer, view: DataView, from: number): number {
    let at = from
    while (this.#fault === undefined) {
      at = nextControl(view, at)
      if (at === chunk.length || chunk[at] === cr) break
      const byte = chunk[at++]
      if (byte === lf) {
        this.#meet('bare LF')
        this.#endLine(at)
      } else if (byte === 0) {
        this.#meet('NUL')
      }
    }
    if (this.#fault !== undefined) {
      const next = chunk.indexOf(cr, at)
      at = next === -1 ? chunk.length : next
    }
    this.#before = at === chunk.length ? 'text' : 'CR'
    return at === chunk.length ? at : at + 1
  }
}

/** What is kept of one chunk: a part of it while nothing was taken out, else a copy. */
class Content {
  readonly #chunk: Buffer
  #start = 0
  /** Where a dot stands that may be stuffing or the end; what follows it is not content until `resumeAt`. */
  #cut = -1
  #copy: Buffer | undefined
  #copied = 0

  constructor(chunk: Buffer) {
    this.#chunk = chunk
  }

  cutAt(offset: number): void {
    this.#cut = offset
  }

  resumeAt(offset: number): void {
    if (this.#cut > this.#start) this.#keep(this.#start, this.#cut)
    this.#start = offset
    this.#cut = -1
  }

  finish(end: number): Uint8Array | undefined {
    const stop = this.#cut === -1 ? end : this.#cut
    if (this.#copy === undefined) {
      return stop > this.#start ? this.#chunk.subarray(this.#start, stop) : undefined
    }
    if (stop > this.#start) this.#keep(this.#start, stop)
    return this.#copy.subarray(0, this.#copied)
  }

  #keep(start: number, stop: number): void {
    this.#copy ??= Buffer.allocUnsafe(this.#chunk.length)
    this.#copied += this.#chunk.copy(this.#copy, this.#copied, start, stop)
  }
}
