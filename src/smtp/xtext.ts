import { isUtf8 } from 'node:buffer'

const xtext = /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})+$/
/** RFC 6533 §3: octets outside ASCII may stand as they are. */
const unitext = /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e\x80-\u{10ffff}]|\+[0-9A-F]{2})+$/u

/**
 * RFC 3461 §4: `+` and two hexadecimal digits stand for an octet. With `unitext` characters outside ASCII stand for
 * themselves. @returns undefined where the text is nothing of the kind, or its octets are no UTF-8
 */
export function decodeXtext(
  text: string,
  options: { readonly unitext?: boolean } = {},
): string | undefined {
  if (!(options.unitext === true ? unitext : xtext).test(text)) return undefined
  if (!text.includes('+')) return text
  const octets = Buffer.from(text)
    .toString('latin1')
    .replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const bytes = Buffer.from(octets, 'latin1')
  return isUtf8(bytes) ? bytes.toString() : undefined
}
