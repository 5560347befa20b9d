import type { ByteRange } from './byte-range.ts'
import type { Header } from './header.ts'
import type { MimeTree } from './mime/tree.ts'

export type { ByteRange } from './byte-range.ts'

/**
 * A message as received: CRLF line ends, dot-stuffing removed, immutable, readable by any number of readers.
 * Small messages lie in memory and answer at once; large ones lie in a file.
 */
export interface Message {
  readonly sizeBytes: number
  /** Where the header ends and the body begins, after the empty line; equals `sizeBytes` if there is no body. */
  readonly bodyOffset: number
  /** The header fields, parsed on first use. */
  readonly header: Header
  /** Whether any byte is outside ASCII. */
  readonly eightBit: boolean
  /** Bytes in order, in chunks of at most 64 KB. @throws PosternError DISK_FAILED */
  read(range?: ByteRange): AsyncIterable<Uint8Array>
  /** What `read` gives, at once, where it lies in memory; `undefined` where it must be waited for. */
  inMemory?(range?: ByteRange): readonly Uint8Array[] | undefined
  /**
   * Where its parts are, in every way it can be read: found on first use, once for all who ask, within `mimeLimits`.
   * @param signal fires when the asker no longer waits
   * @throws PosternError ABORTED, DISK_FAILED
   */
  mime(signal?: AbortSignal): Promise<MimeTree>
}
