/**
 * Reads a message as DATA sends it (RFC 5321 §4.1.1.4, §4.5.2): finds its end, takes the dots off, and watches
 * for what no mail may hold. The data ends on CR LF . CR LF and on nothing else; bytes may come cut anywhere.
 * A message with a fault is read to its true end, its bytes dropped, so that the session stays in step.
 * Pure: no I/O. Linear in its input, whatever that is.
 */
import { nextControl } from './next-control.ts'

const lf = 0x0a
const cr = 0x0d
const dot = 0x2e

/** Why a message is not taken, in the order of discovery: the first one counts. */
export type DataFault = 'bare CR' | 'bare LF' | 'NUL' | 'too big'

/** What came before the next byte: a CRLF (or DATA itself), that and a dot, that and a CR; a CR; anything else. */
type Before = 'line start' | 'dot' | 'dot CR' | 'CR' | 'text'

export interface DataPart {
  /** Bytes of the chunk, from `from` on, that belong to the message or its end; what follows is for the next command. */
  readonly used: number
  /** Bytes of the message, unstuffed: part of the chunk where nothing had to be taken out. */
  readonly content: Uint8Array | undefined
}

export class DataReader {
  readonly #maxBytes: number
  #before: Before = 'line start'
  #fault: DataFault | undefined
  #ended = false
  #sizeBytes = 0

  /** @param maxBytes the largest message, 0 for no limit; counted without the dots that were taken out (RFC 1870 §5) */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The final dot was read. */
  get ended(): boolean {
    return this.#ended
  }

  get fault(): DataFault | undefined {
    return this.#fault
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Reads on. Not to be called once it has ended. */
  read(chunk: Buffer, from = 0): DataPart {
    const content = new Content(chunk, from)
    if (this.#before === 'dot' || this.#before === 'dot CR') content.cutAt(from)
    const end = this.#scan(chunk, from, content)
    const kept = this.#fault === undefined ? content.finish(end) : undefined
    if (kept !== undefined) this.#sizeBytes += kept.length
    if (this.#maxBytes > 0 && this.#sizeBytes > this.#maxBytes) this.#fault ??= 'too big'
    return { used: end - from, content: this.#fault === undefined ? kept : undefined }
  }

  /** @returns the offset after the last byte used */
  #scan(chunk: Buffer, from: number, content: Content): number {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
    let at = from
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
            this.#before = 'text'
          }
          break
        case 'dot CR':
          if (byte === lf) {
            this.#ended = true
            return at + 1
          }
          this.#fault ??= 'bare CR'
          this.#before = 'text'
          break
        case 'CR':
          if (byte === lf) at++
          else this.#fault ??= 'bare CR'
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
      if (chunk[at] === lf) this.#fault = 'bare LF'
      else if (chunk[at] === 0) this.#fault = 'NUL'
      at++
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
  #start: number
  /** Where a dot stands that may be stuffing or the end; what follows it is not content until `resumeAt`. */
  #cut = -1
  #copy: Buffer | undefined
  #copied = 0

  constructor(chunk: Buffer, from: number) {
    this.#chunk = chunk
    this.#start = from
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
