/** Text in the charsets of mail. Nothing fails: what a label does not name, or bytes that do not fit it, still gives a text. */
import { isUtf8 } from 'node:buffer'

/** @param label as in `charset=`; without one, or with one nobody knows: UTF-8 where the bytes are UTF-8, else Latin-1 */
export function decodeText(bytes: Uint8Array, label?: string): string {
  if (label !== undefined && /^(?:unicode-1-1-)?utf-7$/i.test(label.trim()))
    return decodeUtf7(bytes)
  const decoder = label === undefined ? undefined : decoderOf(label)
  if (decoder !== undefined) return decoder.decode(bytes)
  return Buffer.from(bytes).toString(isUtf8(bytes) ? 'utf8' : 'latin1')
}

/** RFC 2152, which no browser reads any more, and some mail programs do. */
function decodeUtf7(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1')
  return text.replaceAll(/\+([A-Za-z0-9+/]*)-?/g, (_, shifted: string) =>
    shifted === '' ? '+' : utf16.decode(evenBytes(Buffer.from(shifted, 'base64'))),
  )
}

const utf16 = new TextDecoder('utf-16be')

function evenBytes(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length - (bytes.length % 2))
}

/** A decoder for a stream of chunks; `undefined` for a label nobody knows. */
export function decoderOf(label: string): TextDecoder | undefined {
  try {
    return new TextDecoder(label.trim().slice(0, 40))
  } catch {
    // The label is the stranger's; the caller says what is read in its place.
    return undefined
  }
}
