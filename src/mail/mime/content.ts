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

/** The decoded bytes of a part, in chunks that are never empty. @throws PosternError DISK_FAILED */
export async function* readContent(
  source: ByteSource,
  part: Pick<MimePart, 'bodyRange' | 'encodings'>,
  { encoding = part.encodings[0], maxBytes = Infinity }: ContentOptions = {},
): AsyncIterable<Uint8Array> {
  const decoder = decoderFor(encoding)
  let left = maxBytes
  const fit = (bytes: Uint8Array): Uint8Array => {
    const some = bytes.length > left ? bytes.subarray(0, left) : bytes
    left -= some.length
    return some
  }
  for await (const chunk of source.read(part.bodyRange)) {
    const decoded = fit(decoder.push(chunk))
    if (decoded.length > 0) yield decoded
    if (left <= 0) return
  }
  const last = fit(decoder.end())
  if (last.length > 0) yield last
}

/** The decoded bytes in one piece, cut at `maxBytes`. */
export async function contentOf(
  source: ByteSource,
  part: Pick<MimePart, 'bodyRange' | 'encodings'>,
  options: ContentOptions & { readonly maxBytes: number },
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of readContent(source, part, options)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function decoderFor(encoding: TransferEncoding): Decoder {
  if (encoding === 'base64') return new Base64Decoder()
  if (encoding === 'quoted-printable') return new QuotedPrintableDecoder()
  if (encoding === 'uuencode') return new UuDecoder()
  return { push: (chunk) => chunk, end: () => new Uint8Array(0) }
}
