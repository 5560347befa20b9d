import { PosternError } from '../mail/errors.ts'
import { parseHeader, type Header } from '../mail/header.ts'
import type { Message } from '../mail/message.ts'
import type { RecordedSession } from './recorded-session.ts'

/** A message of which the header is left. Whoever wants more is told so, and noted. */
export function headerMessage(
  { trace, head, bodyOffset, eightBit }: RecordedSession,
  missed: (what: string) => void,
): Message {
  const whole = head !== undefined && head.length >= bodyOffset
  let header: Header | undefined
  const gone = (what: string): PosternError => {
    missed(`it wants ${what}, which is not kept`)
    return new PosternError('NOT_FOUND', what)
  }
  return {
    sizeBytes: trace.sizeBytes ?? 0,
    bodyOffset,
    eightBit,
    get header() {
      if (!whole) throw gone('the header')
      return (header ??= parseHeader(head.subarray(0, bodyOffset)))
    },
    async *read(range = { offset: 0, length: trace.sizeBytes ?? 0 }) {
      const end = range.offset + range.length
      if (head === undefined || end > Math.min(head.length, bodyOffset)) throw gone('the body')
      yield head.subarray(range.offset, end)
    },
    mime: () => Promise.reject(gone('the body')),
  }
}
