/**
 * Encoded words (RFC 2047), read as generously as the most generous of mail programs: within quotes, in the middle of
 * words, with blanks in them. Linear in the text.
 */
import { decodeText } from './charset.ts'

/** Mail programs join adjacent words that are parted by blanks only (§6.2), and so do we. */
export function decodeWords(text: string): string {
  let out = ''
  let at = 0
  let after = -1
  for (;;) {
    const start = text.indexOf('=?', at)
    if (start < 0) return out + text.slice(at)
    const word = wordAt(text, start)
    if (word === undefined) {
      out += text.slice(at, start + 2)
      at = start + 2
      after = -1
      continue
    }
    const between = text.slice(at, start)
    out += (after === at && between.trim() === '' ? '' : between) + word.text
    at = word.end
    after = at
  }
}

interface Word {
  readonly text: string
  readonly end: number
}

/** A charset is short, and so is a word; one that is not is none (§2: 75, but many write more). */
const longestCharset = 60
const longestWord = 8192

function wordAt(text: string, start: number): Word | undefined {
  const first = text.indexOf('?', start + 2)
  if (first < 0 || first - start > longestCharset || text[first + 2] !== '?') return undefined
  const last = text.slice(first + 3, first + 3 + longestWord).indexOf('?=')
  if (last < 0) return undefined
  const content = text.slice(first + 3, first + 3 + last)
  const kind = text[first + 1]?.toLowerCase()
  const bytes =
    kind === 'b' ? Buffer.from(content, 'base64') : kind === 'q' ? quoted(content) : undefined
  if (bytes === undefined) return undefined
  // RFC 2231 §5: a language may follow the charset.
  const [charset = ''] = text.slice(start + 2, first).split('*', 1)
  return { text: decodeText(bytes, charset), end: first + 3 + last + 2 }
}

function quoted(content: string): Uint8Array {
  const spaced = content.replaceAll('_', ' ')
  return fromHex(spaced, '=')
}

/** Bytes written `=41` or `%41`; what is not stands for itself. */
export function fromHex(text: string, mark: '=' | '%'): Uint8Array {
  const raw = Buffer.from(text, 'utf8')
  const out = Buffer.allocUnsafe(raw.length)
  const markByte = mark.charCodeAt(0)
  let length = 0
  for (let at = 0; at < raw.length; at++) {
    const value = raw[at] === markByte ? hexAt(raw, at + 1) : -1
    out[length++] = value < 0 ? (raw[at] ?? 0) : value
    if (value >= 0) at += 2
  }
  return out.subarray(0, length)
}

/** The byte that two hexadecimal digits at `at` stand for, or -1. */
export function hexAt(bytes: Uint8Array, at: number): number {
  const high = hexDigit(bytes[at])
  const low = hexDigit(bytes[at + 1])
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
