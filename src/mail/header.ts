/**
 * The header of a message as received. Only CRLF ends a line; a bare CR or LF is read as a blank.
 * Linear in the bytes, bounded in bytes and fields; never throws, whatever the bytes are.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import type { ByteRange } from './byte-range.ts'
import { asBuffer, fieldEnd, isEmptyLine, isSpace, nameLength } from './header-lines.ts'

/** One field as it stands in the message. */
export interface HeaderField {
  /** As spelled; empty for a line that is no field: such lines are kept, so that the ranges cover the header without a gap. */
  readonly name: string
  /** Unfolded (RFC 5322 §2.2.3), without leading and trailing blanks; bytes outside ASCII as UTF-8, or latin1 where that fails. */
  readonly value: string
  /** The whole field with its folds and final CRLF. */
  readonly range: ByteRange
}

/** The header of a message, in its order. Names are compared without regard to case. */
export interface Header {
  readonly fields: readonly HeaderField[]
  /** A limit was reached: the message has more header than these fields. */
  readonly cut: boolean
  /** The value of the topmost field of that name. */
  first(name: string): string | undefined
  /** The values of all fields of that name, topmost first. */
  all(name: string): readonly string[]
}

const colon = 0x3a

export interface HeaderLimits {
  readonly maxBytes: number
  readonly maxFields: number
}

const headerLimits: HeaderLimits = { maxBytes: 1_048_576, maxFields: 10_000 }

/** Reads the header at the beginning of a message, up to its empty line or the end of `bytes`. */
export function parseHeader(bytes: Uint8Array, limits: HeaderLimits = headerLimits): Header {
  const buffer = asBuffer(bytes)
  const fields: HeaderField[] = []
  // Nearly all are; then no field need be asked which of two encodings it is in.
  const ascii = isAscii(buffer)
  let cut = false
  for (let offset = 0; offset < buffer.length && !isEmptyLine(buffer, offset);) {
    const end = fieldEnd(buffer, offset)
    cut = end > limits.maxBytes || fields.length === limits.maxFields
    if (cut) break
    fields.push(fieldAt(buffer, { offset, length: end - offset }, ascii))
    offset = end
  }
  return withLookup(fields, cut)
}

/**
 * The offset of the body: after the first empty line, or -1 if `bytes` hold none.
 * `from`: bytes before it were searched already, in an earlier call.
 */
export function headerEnd(bytes: Uint8Array, from = 0): number {
  const buffer = asBuffer(bytes)
  if (isEmptyLine(buffer, 0)) return 2
  const at = buffer.indexOf('\r\n\r\n', Math.max(0, from - 3), 'latin1')
  return at < 0 ? -1 : at + 4
}

function fieldAt(buffer: Buffer, range: ByteRange, ascii: boolean): HeaderField {
  const { offset, length } = range
  const nameEnd = offset + nameLength(buffer, offset)
  const name = buffer.toString('latin1', offset, nameEnd)
  let start = name === '' ? offset : buffer.indexOf(colon, nameEnd) + 1
  let end = offset + length
  while (start < end && isSpace(buffer[start])) start++
  while (start < end && isSpace(buffer[end - 1])) end--
  const isLatin1 = ascii || !isUtf8(buffer.subarray(start, end))
  return { name, value: unfolded(buffer.toString(isLatin1 ? 'latin1' : 'utf8', start, end)), range }
}

function unfolded(text: string): string {
  if (!text.includes('\r') && !text.includes('\n')) return text
  return text.replaceAll('\r\n', '').replace(/[\r\n]/g, ' ')
}

function withLookup(fields: readonly HeaderField[], cut: boolean): Header {
  let index: ReadonlyMap<string, readonly string[]> | undefined
  const all = (name: string): readonly string[] => {
    index ??= valuesByName(fields)
    return index.get(name.toLowerCase()) ?? []
  }
  return { fields, cut, all, first: (name) => all(name)[0] }
}

function valuesByName(fields: readonly HeaderField[]): ReadonlyMap<string, readonly string[]> {
  const index = new Map<string, string[]>()
  for (const { name, value } of fields) {
    const key = name.toLowerCase()
    const values = index.get(key)
    if (values === undefined) index.set(key, [value])
    else values.push(value)
  }
  return index
}
