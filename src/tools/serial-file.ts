/**
 * A file of a Maildir as serialmail's message: small ones in memory, large ones read anew by whoever reads them, for a Maildir
 * may hold what no memory should. Somebody else than we may own the folder: no link is followed, and only files are read.
 */
import { isAscii } from 'node:buffer'
import { CrlfLines } from '../formats/crlf-lines.ts'
import { readSerialMessage, type SerialMessage } from '../formats/serial-message.ts'
import { PosternError } from '../mail/errors.ts'
import { headerEnd } from '../mail/header.ts'
import type { Instant } from '../mail/instant.ts'
import { memoryBody, StoredMessage, type Body } from '../queue/stored-message.ts'
import type { Disk, DiskFile } from '../runtime/disk.ts'

export interface SerialFile extends Pick<SerialMessage, 'reversePath' | 'recipient'> {
  readonly message: StoredMessage
  readonly arrivedAt: Instant
}

/** Messages up to this size are read whole; a header may not be longer. */
const inMemory = 1 << 20
const chunkBytes = 65_536

/**
 * @param prefix as for `readSerialMessage`
 * @returns what is wrong with it, in words
 * @throws PosternError NOT_FOUND, DISK_FAILED
 */
export async function readSerialFile(
  disk: Pick<Disk, 'open'>,
  path: string,
  prefix: string,
): Promise<SerialFile | string> {
  const file = await disk.open(path, 'foreign')
  try {
    const { kind, sizeBytes, modifiedAt: arrivedAt } = await file.stat()
    if (kind !== 'file') return 'it is no file'
    const start = await file.read(0, inMemory)
    const read = readSerialMessage(start, prefix)
    if (typeof read === 'string') return read
    const { reversePath, recipient, message: begun } = read
    const isWhole = start.length === sizeBytes
    const message = isWhole
      ? messageOf(begun)
      : await largeMessage({ disk, file, path, begun, from: start.length - begun.length })
    return typeof message === 'string' ? message : { reversePath, recipient, message, arrivedAt }
  } finally {
    await file.close()
  }
}

function messageOf(raw: Uint8Array): StoredMessage {
  const lines = new CrlfLines()
  const bytes = Buffer.concat([lines.convert(raw), lines.end()])
  const end = headerEnd(bytes)
  const head = end < 0 ? bytes : bytes.subarray(0, end)
  const body = bytes.subarray(head.length)
  return new StoredMessage(head, memoryBody(body), !isAscii(body))
}

interface Large {
  readonly disk: Pick<Disk, 'open'>
  readonly file: DiskFile
  readonly path: string
  /** What of the message has been read. */
  readonly begun: Uint8Array
  /** Where in the file it begins. */
  readonly from: number
}

/** Looks at all of it once, for its size and for what is not ASCII: the host is told of both before it comes. */
async function largeMessage(large: Large): Promise<StoredMessage | string> {
  const { disk, file, path, begun, from } = large
  const converted = new CrlfLines().convert(begun)
  const end = headerEnd(converted)
  if (end < 0) return 'its header has no end within 1 MB'
  const bodyAt = from + rawLength(begun, end)
  let sizeBytes = 0
  let eightBit = false
  for await (const chunk of bodyFrom(file, bodyAt)) {
    sizeBytes += chunk.length
    eightBit ||= !isAscii(chunk)
  }
  const body: Body = {
    sizeBytes,
    async *read({ offset, length }) {
      const reader = await disk.open(path, 'foreign')
      try {
        let at = 0
        for await (const chunk of bodyFrom(reader, bodyAt)) {
          const [first, last] = [
            Math.max(offset, at) - at,
            Math.min(offset + length, at + chunk.length) - at,
          ]
          if (first < last) yield chunk.subarray(first, last)
          at += chunk.length
          if (at >= offset + length) return
        }
        throw new PosternError('DISK_FAILED', `${path} is cut short`)
      } finally {
        await reader.close()
      }
    },
  }
  return new StoredMessage(converted.subarray(0, end), body, eightBit)
}

/** With the line ends of mail, in chunks that a reader of a message may have. */
async function* bodyFrom(file: DiskFile, from: number): AsyncIterable<Uint8Array> {
  const lines = new CrlfLines()
  for (let at = from; ;) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const chunk = await file.read(at, chunkBytes / 2)
    if (chunk.length === 0) break
    at += chunk.length
    yield lines.convert(chunk)
  }
  yield lines.end()
}

/** How many bytes of `raw` become the first `length` bytes of its converted text. */
function rawLength(raw: Uint8Array, length: number): number {
  const [cr, lf] = [0x0d, 0x0a]
  let out = 0
  let last = lf
  for (let at = 0; at < raw.length; at++) {
    if (out >= length) return at
    const byte = raw[at] ?? 0
    out += byte === lf && last !== cr ? 2 : 1
    last = byte
  }
  return raw.length
}
