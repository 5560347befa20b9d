/**
 * A notification of ours in ASCII alone, for a next hop that takes nothing else: it has no 8BITMIME, or no SMTPUTF8. What
 * is returned of the message goes where its type may be encoded (RFC 6533 §6); message/rfc822 may not (RFC 2046 §5.2.1),
 * so of that the header comes back, as text/rfc822-headers (RFC 6522 §4). Pure.
 */
import { isAscii } from 'node:buffer'
import { headerEnd, parseHeader, type HeaderField } from './header.ts'
import { formatField } from './header-field.ts'
import { qsbmfBreak, qsbmfGreeting, qsbmfStripped } from './qsbmf.ts'
import { quotedPrintable } from './quoted-printable.ts'

/** @returns undefined for what is ASCII already, what `buildDsn` did not make, and what has an address outside ASCII */
export function sevenBitDsn(bytes: Uint8Array): Uint8Array | undefined {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const bodyAt = headerEnd(whole)
  const head = whole.subarray(0, bodyAt)
  if (isAscii(whole) || !isAscii(head)) return undefined
  const { fields } = parseHeader(head)
  const body = whole.subarray(bodyAt)
  const bounce = sevenBitQsbmf(body)
  if (bounce !== undefined) {
    const own = fields.map((field) => fieldOf(field, head)).join('')
    return Buffer.from(`${own}\r\n${bounce}`, 'latin1')
  }
  const type = fields.find(({ name }) => name.toLowerCase() === 'content-type')?.value ?? ''
  const [, boundary] = /^multipart\/report;.*boundary="([^"]{1,70})"$/s.exec(type.trim()) ?? []
  const pieces = boundary === undefined ? undefined : split(body, boundary)
  if (boundary === undefined || pieces === undefined) return undefined
  const [preamble, ...parts] = pieces
  if (parts.some((part) => headerEnd(part) < 0)) return undefined
  const text = [
    ...fields.map((field) => fieldOf(field, head)),
    '\r\n',
    // It says again what the first part says.
    questioned(preamble),
    ...parts.map((part) => `\r\n--${boundary}\r\n${sevenBitPart(part)}`),
    `\r\n--${boundary}--\r\n`,
  ]
  return Buffer.from(text.join(''), 'latin1')
}

/**
 * In qmail's form nothing can be encoded: what is not ASCII in the notice and in the header that is returned becomes a
 * question mark, and a body that is not ASCII stays away, as one that is too large.
 * @returns undefined for what is no such bounce
 */
function sevenBitQsbmf(body: Buffer): string | undefined {
  const end = body.indexOf(qsbmfBreak)
  if (end < 0 || !body.toString('latin1', 0, qsbmfGreeting.length).startsWith(qsbmfGreeting)) {
    return undefined
  }
  const copyAt = body.indexOf('\r\n\r\n', end + qsbmfBreak.length) + 4
  const contentAt = headerEnd(body, copyAt)
  if (copyAt < 4 || contentAt < 0) return undefined
  const content = body.subarray(contentAt)
  const kept = isAscii(content) ? content.toString('latin1') : qsbmfStripped
  return `${questioned(body.subarray(0, contentAt))}${kept}`
}

function questioned(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^\0-\x7f]+/g, '?')
}

/** Signatures are for what was signed. */
function fieldOf({ name, range: { offset, length } }: HeaderField, head: Buffer): string {
  switch (name.toLowerCase()) {
    case 'dkim-signature':
      return ''
    case 'content-transfer-encoding':
      return formatField(name, '7bit')
    default:
      return head.toString('latin1', offset, offset + length)
  }
}

/** The preamble, then the parts. @returns undefined where the end is missing */
function split(body: Buffer, boundary: string): readonly [Buffer, ...Buffer[]] | undefined {
  const line = `\r\n--${boundary}\r\n`
  const end = body.lastIndexOf(`\r\n--${boundary}--\r\n`)
  if (end < 0) return undefined
  const pieces: Buffer[] = []
  let from = 0
  for (let at = body.indexOf(line); at >= 0 && at < end; at = body.indexOf(line, from)) {
    pieces.push(body.subarray(from, at))
    from = at + line.length
  }
  const [preamble, ...parts] = [...pieces, body.subarray(from, end)]
  return preamble === undefined ? undefined : [preamble, ...parts]
}

function sevenBitPart(part: Buffer): string {
  if (isAscii(part)) return part.toString('latin1')
  const contentAt = headerEnd(part)
  const type = parseHeader(part.subarray(0, contentAt)).first('content-type') ?? ''
  const content = part.subarray(contentAt)
  if (type !== 'message/rfc822') return encoded(type, content)
  const end = headerEnd(content)
  return encoded('text/rfc822-headers', end < 0 ? content : content.subarray(0, end))
}

function encoded(type: string, content: Buffer): string {
  const field = formatField('Content-Type', type)
  if (isAscii(content)) return `${field}\r\n${content.toString('latin1')}`
  const encoding = formatField('Content-Transfer-Encoding', 'quoted-printable')
  return `${field}${encoding}\r\n${quotedPrintable(content)}`
}
