/** Lines as readers of mail find them: by CRLF alone, or by any line end. */
import type { MimeChoices } from './tree.ts'

export interface Line {
  /** Where its text ends. */
  readonly end: number
  /** Where the next line begins. */
  readonly next: number
}

const lf = 0x0a
const cr = 0x0d
const hyphen = 0x2d

/** The line at `from`; `undefined` where its end is not within the bytes. */
export function lineAt(bytes: Buffer, from: number, by: MimeChoices['lines']): Line | undefined {
  if (by === 'crlf') {
    const end = bytes.indexOf('\r\n', from, 'latin1')
    return end < 0 ? undefined : { end, next: end + 2 }
  }
  const end = firstLineEnd(bytes, from)
  if (end === undefined) return undefined
  if (bytes[end] === lf) return { end, next: end + 1 }
  // A CR at the very end may be half of a CRLF.
  if (end + 1 === bytes.length) return undefined
  return { end, next: bytes[end + 1] === lf ? end + 2 : end + 1 }
}

/** The first CR or LF at or after `from`. */
export function firstLineEnd(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] === lf || bytes[at] === cr) return at
  }
  return undefined
}

/** The first line after `from` that begins with two hyphens, after a line end of whatever kind. */
export function nextDashes(bytes: Buffer, from: number): number | undefined {
  for (let at = from; ;) {
    const dashes = bytes.indexOf('--', at + 1, 'latin1')
    if (dashes < 0) return undefined
    if (isLineEnd(bytes[dashes - 1])) return dashes
    // Where hyphens are frequent, asking for each costs more than looking at all bytes.
    const end = Math.min(bytes.length, dashes + hyphenWindow)
    const found = dashesWithin(bytes, dashes, end)
    if (found !== undefined) return found
    at = end - 2
  }
}

const hyphenWindow = 4096

/** The first line after `from` that begins with two hyphens, both before `to`. */
function dashesWithin(bytes: Uint8Array, from: number, to: number): number | undefined {
  // Of two hyphens in a row every second place holds one.
  for (let at = from + 1; at < to; at += 2) {
    if (bytes[at] !== hyphen) continue
    if (at + 1 < to && bytes[at + 1] === hyphen && isLineEnd(bytes[at - 1])) return at
    if (at - 1 > from && bytes[at - 1] === hyphen && isLineEnd(bytes[at - 2])) return at - 1
  }
  return undefined
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === lf || byte === cr
}

/** Whether a CR or LF stands alone. A CR at the end is half of nothing. */
export function hasBareLineEnd(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === lf && (at === 0 || bytes[at - 1] !== cr)) return true
    if (bytes[at] === cr && bytes[at + 1] !== lf) return true
  }
  return false
}

/** With CRLF for each line end of whatever kind. */
export function mendedLineEnds(bytes: Uint8Array): Uint8Array {
  if (!hasBareLineEnd(bytes)) return bytes
  const out = Buffer.allocUnsafe(bytes.length * 2)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === cr || byte === lf) {
      out[length++] = cr
      out[length++] = lf
      if (byte === cr && bytes[at + 1] === lf) at += 1
    } else {
      out[length++] = byte
    }
  }
  return out.subarray(0, length)
}
