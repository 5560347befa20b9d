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
