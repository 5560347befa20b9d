import type { Message } from '../mail/message.ts'
import { headerEnd, parseHeader } from '../mail/header.ts'
import { SharedMimeTree } from '../mail/mime/shared-tree.ts'

/** A message in memory, with its bytes at hand for a test to look at. */
export interface MemoryMessage extends Message {
  readonly bytes: Buffer
  /** The bytes as latin1 text. */
  readonly text: string
}

const chunkBytes = 65_536

/** @param source the message as received: CRLF line ends, no dot-stuffing. Text is taken as UTF-8. */
export function memoryMessage(source: Uint8Array | string): MemoryMessage {
  const bytes = Buffer.from(source)
  const end = headerEnd(bytes)
  const bodyOffset = end < 0 ? bytes.length : end
  let header: Message['header'] | undefined
  let mime: SharedMimeTree | undefined
  return {
    bytes,
    sizeBytes: bytes.length,
    bodyOffset,
    eightBit: bytes.some((byte) => byte > 127),
    get text() {
      return bytes.toString('latin1')
    },
    get header() {
      return (header ??= parseHeader(bytes.subarray(0, bodyOffset)))
    },
    mime(signal) {
      return (mime ??= new SharedMimeTree(this)).get(signal)
    },
    inMemory({ offset, length } = { offset: 0, length: bytes.length }) {
      // As a gateway keeps them, large ones lie in a file.
      if (bytes.length > chunkBytes) return undefined
      return [bytes.subarray(offset, Math.min(bytes.length, offset + length))]
    },
    async *read(range = { offset: 0, length: bytes.length }) {
      const stop = Math.min(bytes.length, range.offset + range.length)
      for (let at = range.offset; at < stop; at += chunkBytes) {
        yield bytes.subarray(at, Math.min(stop, at + chunkBytes))
      }
    },
  }
}
