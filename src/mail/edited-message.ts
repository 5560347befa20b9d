import { isAscii } from 'node:buffer'
import { parseHeader, type Header } from './header.ts'
import type { Message } from './message.ts'
import { SharedMimeTree } from './mime/shared-tree.ts'

const chunkBytes = 65_536

/** A message with another header: its body is read where it lies. `head` runs to the empty line and includes it. */
export function withHead(message: Message, head: Uint8Array): Message {
  const { bodyOffset } = message
  const bodyBytes = message.sizeBytes - bodyOffset
  const sizeBytes = head.length + bodyBytes
  let header: Header | undefined
  let mime: SharedMimeTree | undefined
  return {
    sizeBytes,
    bodyOffset: head.length,
    eightBit: message.eightBit || !isAscii(head),
    get header() {
      return (header ??= parseHeader(head))
    },
    mime(signal) {
      return (mime ??= new SharedMimeTree(this)).get(signal)
    },
    async *read({ offset, length } = { offset: 0, length: sizeBytes }) {
      const end = Math.min(sizeBytes, offset + length)
      for (let at = offset; at < Math.min(end, head.length); at += chunkBytes) {
        yield head.subarray(at, Math.min(end, head.length, at + chunkBytes))
      }
      const from = Math.max(0, offset - head.length)
      const wanted = end - head.length - from
      if (wanted > 0) yield* message.read({ offset: bodyOffset + from, length: wanted })
    },
  }
}
