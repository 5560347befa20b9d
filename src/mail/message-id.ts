/** The Message-ID (RFC 5322 §3.6.4) as people search for it: without its angle brackets, and bounded. */
import { asBuffer, fieldEnd, isEmptyLine } from './header-lines.ts'

/** RFC 5322 §2.1.1 allows lines of 998 octets; no mail program writes an id as long as this. */
export const longestMessageId = 250

const name = 'message-id'
/** `M` in either case, without the bit that tells them apart. */
const firstByte = 0x4d
const caseBit = 0x20
const colon = 0x3a

/**
 * Reads no other field and decodes no other byte: every message that is taken is asked for it.
 * @param head a header, from its first byte
 * @returns undefined where there is none, or an empty one
 */
export function messageIdOf(head: Uint8Array): string | undefined {
  const buffer = asBuffer(head)
  for (let at = 0; at < buffer.length && !isEmptyLine(buffer, at);) {
    const end = fieldEnd(buffer, at)
    if (isMessageId(buffer, at)) return normalMessageId(valueAt(buffer, at, end))
    at = end
  }
  return undefined
}

/** `<a@b>`, with whatever stands around it, and `a@b` are the same. @returns undefined for nothing */
export function normalMessageId(text: string): string | undefined {
  const from = text.indexOf('<')
  const to = text.indexOf('>', from + 1)
  const inner = from >= 0 && to > from ? text.slice(from + 1, to) : text
  const id = inner.trim().slice(0, longestMessageId)
  return id === '' ? undefined : id
}

function isMessageId(buffer: Buffer, at: number): boolean {
  if (((buffer[at] ?? 0) & ~caseBit) !== firstByte) return false
  return buffer.toString('latin1', at, at + name.length).toLowerCase() === name
}

/** Of much more than an id can be, the beginning is enough. */
function valueAt(buffer: Buffer, at: number, end: number): string {
  const from = buffer.indexOf(colon, at + name.length) + 1
  if (from === 0 || from > end) return ''
  const cut = Math.min(end, from + 4 * longestMessageId)
  return buffer.toString('utf8', from, cut).replaceAll('\r\n', '')
}
