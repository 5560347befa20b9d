/** The message of a stored transaction: its header as it was recorded, and its body where the spool still holds it. */
import { PosternError } from '../mail/errors.ts'
import { parseHeader, type Header } from '../mail/header.ts'
import type { ByteRange, Message } from '../mail/message.ts'
import { SharedMimeTree } from '../mail/mime/shared-tree.ts'
import type { MimeTree } from '../mail/mime/tree.ts'
import type { RecordedSession } from './recorded-session.ts'

export interface MessageSources {
  /** Whoever wants what is not kept is told so, and noted. */
  readonly missed: (what: string) => void
  /** @returns undefined where it is not kept */
  readonly body: () => Promise<Uint8Array | undefined>
  /** Otherwise it is read for nobody who could decide by it: on the way to signers, who are not shown it then. */
  readonly isAsked: () => boolean
}

const chunkBytes = 65_536
const emptyHeader = Buffer.from('\r\n')

export function recordedMessage(
  { trace, head, bodyOffset, eightBit }: RecordedSession,
  { missed, body, isAsked }: MessageSources,
): Message {
  const whole = head !== undefined && head.length >= bodyOffset
  const sizeBytes = trace.sizeBytes ?? 0
  let header: Header | undefined
  const gone = (what: string): PosternError => {
    missed(`it wants ${what}, which is not kept`)
    return new PosternError('NOT_FOUND', what)
  }
  const bodyBytes = async (): Promise<Uint8Array> => {
    const bytes = whole ? await body() : undefined
    if (bytes?.length === sizeBytes - bodyOffset) return bytes
    throw gone('the body')
  }
  async function* read({ offset, length }: ByteRange): AsyncIterable<Uint8Array> {
    const end = Math.min(sizeBytes, offset + length)
    const headEnd = Math.min(end, bodyOffset)
    if (offset < headEnd) {
      const isThere = head !== undefined && head.length >= headEnd
      if (!isThere && isAsked()) throw gone('the header')
      yield isThere ? head.subarray(offset, headEnd) : emptyHeader
    }
    if (end <= bodyOffset) return
    const bytes = await bodyBytes()
    for (let at = Math.max(offset, bodyOffset); at < end; at += chunkBytes) {
      yield bytes.subarray(at - bodyOffset, Math.min(end, at + chunkBytes) - bodyOffset)
    }
  }
  let tree: SharedMimeTree | undefined
  const message: Message = {
    sizeBytes,
    bodyOffset,
    eightBit,
    get header() {
      if (!whole) throw gone('the header')
      return (header ??= parseHeader(head.subarray(0, bodyOffset)))
    },
    read: (range = { offset: 0, length: sizeBytes }) => read(range),
    async mime(signal): Promise<MimeTree> {
      // Asked for first: who cannot have it hears why.
      await bodyBytes()
      return (tree ??= new SharedMimeTree(message)).get(signal)
    },
  }
  return message
}
