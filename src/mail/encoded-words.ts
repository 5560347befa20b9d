/** RFC 2047: encoded-words in a header field, as people read them. Linear; what does not decode stays as it is. */

const word = /=\?([\w:.+-]{1,60})(?:\*[\w-]{0,20})?\?([bq])\?([!-<>@-~=]{0,998}?)\?=/gi

/** Blanks between two encoded-words are not shown (RFC 2047 §6.2). */
export function decodeWords(value: string): string {
  let text = ''
  let end = 0
  let afterWord = false
  for (const match of value.matchAll(word)) {
    const [whole, charset = '', encoding = '', written = ''] = match
    const decoded = decode(charset, encoding.toLowerCase(), written)
    if (decoded === undefined) continue
    const between = value.slice(end, match.index)
    text += (afterWord && between.trim() === '' ? '' : between) + decoded
    end = match.index + whole.length
    afterWord = true
  }
  return text + value.slice(end)
}

function decode(charset: string, encoding: string, written: string): string | undefined {
  try {
    return new TextDecoder(charset).decode(
      encoding === 'b' ? Buffer.from(written, 'base64') : quotedBytes(written),
    )
  } catch {
    // A charset that nobody knows.
    return undefined
  }
}

/** RFC 2047 §4.2. */
function quotedBytes(written: string): Uint8Array {
  const bytes = Buffer.from(
    written
      .replaceAll('_', ' ')
      .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  )
  return bytes
}
