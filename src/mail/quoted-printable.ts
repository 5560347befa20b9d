/** Quoted-printable, written (RFC 2045 §6.7): CR LF is a line end, a CR or LF that stands alone is data. Pure. */

/** RFC 2045 §6.7 (5), without CRLF. */
const longestLine = 76
const tab = 0x09
const lf = 0x0a
const cr = 0x0d
const space = 0x20
const equals = 0x3d

/** @returns ASCII, with lines of at most 76 characters */
export function quotedPrintable(bytes: Uint8Array): string {
  let out = ''
  let line = ''
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte === cr && bytes[at + 1] === lf) {
      out += `${line}\r\n`
      line = ''
      at++
      continue
    }
    const endsLine = at + 1 === bytes.length || (bytes[at + 1] === cr && bytes[at + 2] === lf)
    const word = isPlain(byte, endsLine) ? String.fromCharCode(byte) : escaped(byte)
    if (line.length + word.length > longestLine - (endsLine ? 0 : 1)) {
      out += `${line}=\r\n`
      line = ''
    }
    line += word
  }
  return out + line
}

/** A blank at the end of a line would be lost on the way. */
function isPlain(byte: number, endsLine: boolean): boolean {
  if (byte === space || byte === tab) return !endsLine
  return byte > space && byte < 0x7f && byte !== equals
}

function escaped(byte: number): string {
  return `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
