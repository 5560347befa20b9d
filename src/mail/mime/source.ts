import type { ByteRange } from '../byte-range.ts'

/** Bytes that can be read again and again, such as a message's. */
export interface ByteSource {
  readonly sizeBytes: number
  /** Bytes in order, in chunks. @throws PosternError DISK_FAILED */
  read(range?: ByteRange): AsyncIterable<Uint8Array>
}
