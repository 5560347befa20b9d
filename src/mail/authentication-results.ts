/**
 * Who claims to have written an Authentication-Results field: RFC 8601 §2.2. Only that much of it is read here.
 * Linear in the text, whatever it is.
 */
import { asciiDomain } from './domain.ts'

/**
 * Whether the field speaks in the name of `hostname`. One whose author cannot be made out does: a reader less strict
 * than we are might make us out.
 * @param value the field's value as it stands, folds included
 */
export function claimsToBe(hostname: string, value: string): boolean {
  const author = authservId(value)
  return author === undefined || comparable(author) === comparable(hostname)
}

/** The authserv-id: a token or a quoted string, behind comments and folds. `undefined` where there is none. */
export function authservId(value: string): string | undefined {
  const start = blanksEnd(value, 0)
  if (value[start] === '"') return quotedString(value, start + 1)
  let end = start
  while (end < value.length && !isDelimiter(value.charCodeAt(end))) end++
  return end > start ? value.slice(start, end) : undefined
}

/** After blanks, folds and comments, which may be nested (RFC 5322 §3.2.2); the end of the text where a comment has none. */
function blanksEnd(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const c = text[at]
    if (c === '(') depth += 1
    else if (depth > 0 && c === ')') depth -= 1
    else if (depth > 0 && c === '\\') at += 1
    else if (depth === 0 && !isSpace(text.charCodeAt(at))) return at
  }
  return text.length
}

function quotedString(text: string, from: number): string | undefined {
  let out = ''
  for (let at = from; at < text.length; at++) {
    const c = text.charAt(at)
    if (c === '"') return out
    if (c === '\\') at += 1
    const taken = text.charAt(at)
    if (taken !== '\r' && taken !== '\n') out += taken
  }
  return undefined
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x09 || c === 0x0d || c === 0x0a
}

/** RFC 2045 §5.1: what ends a token. */
function isDelimiter(c: number): boolean {
  return c <= 0x20 || c === 0x7f || '()<>@,;:\\"/[]?='.includes(String.fromCharCode(c))
}

/** U-labels and A-labels, capitals and a final dot make no difference (RFC 8601 §2.5). */
function comparable(name: string): string {
  const text = name.trim().toLowerCase().replace(/\.$/, '')
  return asciiDomain(text) || text
}
