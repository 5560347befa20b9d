/**
 * The qmail world's files are bytes; three ways to look at them. `latin1`: one character for each byte, nothing lost, for
 * parsing. `readable`: what a person sees. `utf8Octets`: how a string of ours looks among Latin-1 text.
 */
import { isUtf8 } from 'node:buffer'

/** One character (U+0000 to U+00FF) for each byte. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

export function latin1Bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** UTF-8 where the bytes are UTF-8, Latin-1 where they are not: never fails. */
export function readable(bytes: Uint8Array): string {
  return isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : latin1(bytes)
}

/** The UTF-8 bytes of `text` as Latin-1 text, so that it compares byte for byte with what `latin1` made. */
export function utf8Octets(text: string): string {
  return isAscii(text) ? text : latin1(Buffer.from(text, 'utf8'))
}

/** Lower-cases A to Z and nothing else: to qmail, case is a matter of ASCII. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Without the spaces and tabs at the end of a line: all that qmail and tcprules trim, so that a CR stays. */
export function trimBlanks(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  return line.slice(0, end)
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false
  return true
}
