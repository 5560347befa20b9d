/** The content of a part, decoded as it is read: no part is held whole here. */
import { Base64Decoder } from './base64.ts'
import { QuotedPrintableDecoder } from './quoted-printable.ts'
import type { ByteSource } from './source.ts'
import type { MimePart, TransferEncoding } from './tree.ts'
import { UuDecoder } from './uuencode.ts'

interface Decoder {
  push(chunk: Uint8Array): Uint8Array
  end(): Uint8Array
}

export interface ContentOptions {
  /** One of the part's `encodings`; the first where nothing is said. */
  readonly encoding?: TransferEncoding
  /** No more decoded bytes than these. */
  readonly maxBytes?: number
}

type Body = Pick<MimePart, 'bodyRange' | 'encodings'>

/** The decoded bytes of a part, in chunks that are never empty. @throws PosternError DISK_FAILED */
export async function* readContent(
  source: ByteSource,
  part: Body,
  options: ContentOptions = {},
): AsyncIterable<Uint8Array> {
  const content = new Content(part, options)
  for await (const chunk of source.read(part.bodyRange)) {
    const some = content.push(chunk)
    if (isSome(some)) yield some
    if (content.isFull) return
  }
  const last = content.end()
  if (isSome(last)) yield last
}

/** The same, which need be waited for only where the bytes do not lie in memory. */
export function contentChunks(
  source: ByteSource,
  part: Body,
  options: ContentOptions = {},
): AsyncIterable<Uint8Array> | readonly Uint8Array[] {
  const chunks = source.inMemory?.(part.bodyRange)
  if (chunks === undefined) return readContent(source, part, options)
  const content = new Content(part, options)
  return [...chunks.map((chunk) => content.push(chunk)), content.end()].filter(isSome)
}

function isSome({ length }: Uint8Array): boolean {
  return length > 0
}

/** What is decoded, as far as it is wanted. */
class Content {
  readonly #decoder: Decoder
  #left: number

  constructor(
    { encodings }: Body,
    { encoding = encodings[0], maxBytes = Infinity }: ContentOptions,
  ) {
    this.#decoder = decoderFor(encoding)
    this.#left = maxBytes
  }

  get isFull(): boolean {
    return this.#left <= 0
  }

  push(chunk: Uint8Array): Uint8Array {
    return this.isFull ? chunk.subarray(0, 0) : this.#fit(this.#decoder.push(chunk))
  }

  end(): Uint8Array {
    return this.#fit(this.isFull ? new Uint8Array(0) : this.#decoder.end())
  }

  #fit(bytes: Uint8Array): Uint8Array {
    const some = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes
    this.#left -= some.length
    return some
  }
}

/** The decoded bytes in one piece, cut at `maxBytes`. */
export async function contentOf(
  source: ByteSource,
  part: Pick<MimePart, 'bodyRange' | 'encodings'>,
  options: ContentOptions & { readonly maxBytes: number },
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of contentChunks(source, part, options)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function decoderFor(encoding: TransferEncoding): Decoder {
  if (encoding === 'base64') return new Base64Decoder()
  if (encoding === 'quoted-printable') return new QuotedPrintableDecoder()
  if (encoding === 'uuencode') return new UuDecoder()
  return { push: (chunk) => chunk, end: () => new Uint8Array(0) }
}
