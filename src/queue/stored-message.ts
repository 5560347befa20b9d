/** A message as its readers see it: a header block in memory, and a body in memory or in a file. */
import { isAscii } from 'node:buffer'
import { PosternError } from '../mail/errors.ts'
import { parseHeader, type Header } from '../mail/header.ts'
import type { ByteRange, Message } from '../mail/message.ts'
import { SharedMimeTree } from '../mail/mime/shared-tree.ts'
import type { MimeTree } from '../mail/mime/tree.ts'
import type { Disk } from '../runtime/disk.ts'

const chunkBytes = 65_536

/** Where a body comes from. */
export interface Body {
  readonly sizeBytes: number
  /** All of it, where it lies in memory. */
  readonly bytes?: Uint8Array
  /** The range is within the body. @throws PosternError DISK_FAILED, NOT_FOUND */
  read(range: ByteRange): AsyncIterable<Uint8Array>
}

export class StoredMessage implements Message {
  readonly bodyOffset: number
  readonly sizeBytes: number
  readonly #head: Uint8Array
  readonly #body: Body
  readonly #eightBitBody: boolean
  #header: Header | undefined
  #mime: SharedMimeTree | undefined

  /** @param head the header with the empty line that ends it */
  constructor(head: Uint8Array, body: Body, eightBitBody: boolean) {
    this.#head = head
    this.#body = body
    this.#eightBitBody = eightBitBody
    this.bodyOffset = head.length
    this.sizeBytes = head.length + body.sizeBytes
  }

  get header(): Header {
    return (this.#header ??= parseHeader(this.#head))
  }

  get eightBit(): boolean {
    return this.#eightBitBody || !isAscii(this.#head)
  }

  mime(signal?: AbortSignal): Promise<MimeTree> {
    return (this.#mime ??= new SharedMimeTree(this)).get(signal)
  }

  inMemory(
    { offset, length }: ByteRange = { offset: 0, length: this.sizeBytes },
  ): readonly Uint8Array[] | undefined {
    const end = offset + length
    const head = this.#head.subarray(
      Math.min(offset, this.bodyOffset),
      Math.min(end, this.bodyOffset),
    )
    if (end <= this.bodyOffset) return head.length > 0 ? [head] : []
    if (this.#body.bytes === undefined) return undefined
    const parts = [
      head,
      this.#body.bytes.subarray(
        Math.max(0, offset - this.bodyOffset),
        Math.max(0, end - this.bodyOffset),
      ),
    ]
    return parts.filter((bytes) => bytes.length > 0)
  }

  async *read(range: ByteRange = { offset: 0, length: this.sizeBytes }): AsyncIterable<Uint8Array> {
    const end = Math.min(this.sizeBytes, range.offset + range.length)
    yield* chunks(this.#head, range.offset, Math.min(end, this.bodyOffset))
    const offset = Math.max(0, range.offset - this.bodyOffset)
    const length = end - this.bodyOffset - offset
    if (length > 0) yield* this.#body.read({ offset, length })
  }
}

function* chunks(bytes: Uint8Array, from: number, to: number): Iterable<Uint8Array> {
  for (let at = from; at < to; at += chunkBytes) {
    yield bytes.subarray(at, Math.min(to, at + chunkBytes))
  }
}

export function memoryBody(bytes: Uint8Array): Body {
  return {
    sizeBytes: bytes.length,
    bytes,
    async *read({ offset, length }) {
      yield* chunks(bytes, offset, offset + length)
    },
  }
}

/** A body that is fetched whole when somebody reads it. */
export function fetchedBody(sizeBytes: number, fetch: () => Promise<Uint8Array>): Body {
  return {
    sizeBytes,
    async *read({ offset, length }) {
      yield* chunks(await fetch(), offset, offset + length)
    },
  }
}

/** The body of a message that has a file of its own. */
export function fileBody(
  disk: Disk,
  { path, bodyOffset, sizeBytes }: { path: string; bodyOffset: number; sizeBytes: number },
): Body {
  return {
    sizeBytes: sizeBytes - bodyOffset,
    async *read({ offset, length }) {
      const file = await disk.open(path, 'read')
      try {
        const end = bodyOffset + offset + length
        for (let at = bodyOffset + offset; at < end; at += chunkBytes) {
          const wanted = Math.min(chunkBytes, end - at)
          const chunk = await file.read(at, wanted)
          if (chunk.length < wanted) throw new PosternError('DISK_FAILED', `${path} is cut short`)
          yield chunk
        }
      } finally {
        await file.close()
      }
    },
  }
}
