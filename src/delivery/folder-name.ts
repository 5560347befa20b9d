/**
 * A local-part or a domain as the name of a folder. Whatever a client wrote, the result is one path
 * component: never empty, `.`, `..` or hidden, never longer than a file system takes, and two
 * different parts never share a folder. Letter case does not count: mail to Bob and to bob is one
 * person's, so parts are lower-cased first (and composed, where they hold more than ASCII).
 */
import { createHash } from 'node:crypto'

/** Longer names are cut and told apart by a digest; common file systems stop at 255 bytes. */
const longest = 200

/** Characters that stand for themselves. `%` is not among them, and a dot only after the first place. */
const plain = /^[a-z0-9_+=@,~-][a-z0-9_+=@,~.-]*$/

export function folderName(part: string): string {
  const folded = part.normalize('NFC').toLowerCase()
  if (folded.length <= longest && plain.test(folded)) return folded
  const escaped = escape(Buffer.from(folded))
  if (escaped.length <= longest) return escaped
  const digest = createHash('sha256').update(folded).digest('hex')
  return `${escaped.slice(0, longest - 72)}%sha256-${digest}`
}

/** Nothing becomes a lone `%`, which no escape looks like. */
function escape(bytes: Buffer): string {
  if (bytes.length === 0) return '%'
  let name = ''
  for (const byte of bytes) {
    const char = String.fromCharCode(byte)
    const stands = plain.test(char) || (char === '.' && name !== '')
    name += stands ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return name
}
