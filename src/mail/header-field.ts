/** Writing one header field: RFC 5322 §2.2. */
import assert from 'node:assert/strict'

/** RFC 5322 §2.1.1, without the CRLF: what lines should and what they must keep to, in octets. */
const softLimit = 78
const hardLimit = 998

const fieldName = /^[\x21-\x39\x3b-\x7e]{1,76}$/

/** Not the tab; nor U+0080 to U+009F, which is how Windows' quotation marks look when they are read as latin1. */
const control = /[\p{Cc}--[\x80-\x9f\t]]/v

/**
 * @throws AssertionError on a name that is none (RFC 5322 §3.6.8), or on a value with a control character other than
 * the tab, a bare CR or LF, or a CRLF that is not followed by a blank and then some text.
 */
export function assertField(name: string, value: string): void {
  // Messages are made only where they are needed: every message in has a field of ours.
  if (!fieldName.test(name)) assert.fail(`${JSON.stringify(name)} is no field name`)
  let isFirst = true
  for (const line of value.split('\r\n')) {
    if (control.test(line)) assert.fail(`${name} holds a control character`)
    if (!isFirst && (!isBlank(line, 0) || line.trim() === '')) {
      assert.fail(`${name} is folded wrongly`)
    }
    isFirst = false
  }
}

/**
 * The field with its final CRLF. A long value is folded where it has blanks; one that brings its own folds keeps
 * them, because a signature may cover them, as long as no line passes 998 octets. @throws AssertionError as `assertField`
 */
export function formatField(name: string, value: string): string {
  assertField(name, value)
  const field = value === '' || value.startsWith('\r\n') ? `${name}:${value}` : `${name}: ${value}`
  if (field.length <= softLimit) return `${field}\r\n`
  const lines = field.split('\r\n')
  if (lines.length > 1 && lines.every((line) => Buffer.byteLength(line) <= hardLimit)) {
    return `${field}\r\n`
  }
  return lines
    .map((line, index) => `${folded(line, index === 0 ? name.length + 1 : 0)}\r\n`)
    .join('')
}

/** `kept`: so many characters stay together at the beginning. */
function folded(text: string, kept: number): string {
  // Longer runs of blanks could fill a line, and a blank line ends the header for some readers.
  const line = text.trimEnd().replace(/[ \t]{64,}/g, ' ')
  const limit = Buffer.byteLength(line) === line.length ? hardLimit : Math.floor(hardLimit / 3)
  let out = ''
  let from = 0
  while (line.length - from > softLimit) {
    const to = breakAt(line, { from, least: Math.max(from, kept), limit })
    if (to === line.length) break
    out += `${line.slice(from, to)}\r\n${isBlank(line, to) ? '' : ' '}`
    from = to
  }
  return out + line.slice(from)
}

interface Span {
  readonly from: number
  readonly least: number
  readonly limit: number
}

/** Before the last blank that keeps the line short, else before the next blank, else where the line must end. */
function breakAt(line: string, { from, least, limit }: Span): number {
  for (let at = from + softLimit; at > least; at--) if (beginsBlanks(line, at)) return at
  const last = Math.min(line.length, from + limit - 1)
  for (let at = from + softLimit + 1; at < last; at++) if (beginsBlanks(line, at)) return at
  if (last === line.length) return last
  const splitsPair = (line.charCodeAt(last) & 0xfc00) === 0xdc00
  return splitsPair ? last - 1 : last
}

function beginsBlanks(line: string, at: number): boolean {
  return isBlank(line, at) && !isBlank(line, at - 1)
}

function isBlank(line: string, at: number): boolean {
  const c = line.charCodeAt(at)
  return c === 0x20 || c === 0x09
}

/** Any text made fit for a field value: line ends become blanks, other control characters `?`. */
export function fieldText(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\p{Cc}--[\x80-\x9f\t]]/gv, '?')
}
