/**
 * Where the fields of a header begin and end, in bytes. Only CRLF ends a line; a field runs on through the lines
 * that begin with a blank (RFC 5322 §2.2.3). No byte is decoded here, and none is looked at twice.
 */

const tab = 0x09
const lf = 0x0a
const cr = 0x0d
const space = 0x20
const colon = 0x3a

/** The same bytes, with the methods of a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Whether the line that begins at `offset` is the empty one that ends a header. */
export function isEmptyLine(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] === cr && bytes[offset + 1] === lf
}

/** The offset after the field that begins at `from`: after its last CRLF, or the end of the bytes. */
export function fieldEnd(buffer: Buffer, from: number): number {
  for (let at = from; ;) {
    at = buffer.indexOf(lf, at) + 1
    if (at === 0) return buffer.length
    if (buffer[at - 2] === cr && !isBlank(buffer[at])) return at
  }
}

/** How long the name of the field at `from` is; 0 where no name and colon stand. Blanks between them are obsolete, but read (RFC 5322 §4.5). */
export function nameLength(bytes: Uint8Array, from: number): number {
  let at = from
  while (isNameByte(bytes[at])) at++
  const length = at - from
  while (isBlank(bytes[at])) at++
  return bytes[at] === colon ? length : 0
}

/** RFC 5322 §3.6.8: ftext. */
function isNameByte(byte = 0): boolean {
  return byte > space && byte < 0x7f && byte !== colon
}

export function isBlank(byte: number | undefined): boolean {
  return byte === space || byte === tab
}

export function isSpace(byte: number | undefined): boolean {
  return isBlank(byte) || byte === cr || byte === lf
}
