import type { ByteRange } from '../byte-range.ts'
import type { Header } from '../header.ts'

/** Bytes that can be read again and again, such as a message's. */
export interface ByteSource {
  readonly sizeBytes: number
  /** Bytes in order, in chunks. @throws PosternError DISK_FAILED */
  read(range?: ByteRange): AsyncIterable<Uint8Array>
  /** What `read` gives, at once, where it lies in memory and is not much: nothing need be waited for. */
  inMemory?(range?: ByteRange): readonly Uint8Array[] | undefined
}

/** The bytes of a message, of whose header something may be known already. */
export interface MessageSource extends ByteSource {
  readonly header?: Header
  /** Where the header ends, after its empty line. */
  readonly bodyOffset?: number
}

/** The bytes of a range, which need be waited for only where they do not lie in memory. @throws as `read` */
export function chunksOf(
  source: ByteSource,
  range?: ByteRange,
): AsyncIterable<Uint8Array> | readonly Uint8Array[] {
  return source.inMemory?.(range) ?? source.read(range)
}
