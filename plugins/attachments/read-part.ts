/** Reads a part once, as a stream: how long it is, how it begins, its digest; what somebody wants whole is held, up to `largestHeld`. */
import { createHash } from 'node:crypto'
import {
  contentTypeOf,
  headBytes,
  imageHeadBytes,
  imageTypeOf,
  type ContentType,
} from './content-type.ts'
import { UuBeginning } from './uu-files.ts'

/** Larger archives are judged by name, type and digest. */
export const largestHeld = 10 * 1024 * 1024

export interface ReadPart {
  readonly sizeBytes: number
  readonly content: ContentType | undefined
  readonly sha256?: string
  /** All of it, where somebody wants it and it is not too large. */
  readonly held?: Buffer
  /** Whether uuencoded files begin in it, of a text. */
  readonly uuencoded: boolean
}

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface Reading {
  readonly digests: boolean
  readonly signal: AbortSignal
  /** Whether files may stand in it uuencoded. */
  readonly isText: boolean
  /** Whether all of it is wanted; the type by its first bytes is unknown before there are enough of them. */
  readonly isHeld: (content: ContentType | undefined) => boolean
}

export async function readPart(chunks: Chunks, reading: Reading): Promise<ReadPart> {
  const { digests, signal, isText } = reading
  const hash = digests ? createHash('sha256') : undefined
  const kept: Uint8Array[] = []
  let sizeBytes = 0
  let content: ContentType | undefined
  let decided = false
  /** So much is kept before it is known what it is. */
  let needed = headBytes
  const beginning = isText ? new UuBeginning() : undefined
  const isHeld = (): boolean => sizeBytes <= largestHeld && reading.isHeld(content)
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    hash?.update(chunk)
    sizeBytes += chunk.length
    // What is held is searched as a whole.
    if (beginning !== undefined && !isHeld())
      for (const each of [...kept, chunk]) beginning.push(each)
    if (!decided || isHeld()) kept.push(chunk)
    if (sizeBytes >= needed && !decided) {
      const head = joined(kept)
      if (needed === headBytes) content = await contentTypeOf(head.subarray(0, headBytes))
      needed = imageHeadBytes
      decided = content !== undefined || sizeBytes >= needed
      if (decided) content ??= imageTypeOf(head)
    }
    if (decided && !isHeld()) kept.length = 0
  }
  if (needed === headBytes) content = await contentTypeOf(joined(kept))
  return {
    sizeBytes,
    content,
    uuencoded: beginning?.found === true,
    ...(isHeld() ? { held: joined(kept) } : {}),
    ...(hash === undefined ? {} : { sha256: hash.digest('hex') }),
  }
}

/** Nothing is copied where there is but one. */
function joined(chunks: readonly Uint8Array[]): Buffer {
  const [only] = chunks
  if (only === undefined || chunks.length > 1) return Buffer.concat(chunks)
  return Buffer.from(only.buffer, only.byteOffset, only.length)
}
