/**
 * Paths as qmail-smtpd reads them, for clients that write none: without angle brackets, or without the last one, with blanks,
 * quotes and backslashes wherever they like. What comes of it is a mailbox all the same, or nothing.
 */
import { parseMailbox, parsePath, type AddressOptions, type ParsedPath } from './address.ts'
import { doubleBounceUser } from './double-bounce.ts'

/** A stand-in, so that a name alone can be read as a mailbox. */
const someDomain = 'x'

/**
 * As `parsePath`, and where that finds a mistake, as qmail: what stands behind the first `<` up to a `>`, or without one up to
 * a blank. A mailbox without a domain has an empty one.
 */
export function lenientPath(text: string, options: AddressOptions = {}): ParsedPath {
  const strict = parsePath(text, options)
  if (strict.ok) return strict
  const bracket = text.indexOf('<')
  const { address, end } = unquoted(text, bracket + 1, bracket === -1 ? ' ' : '>')
  const rest = text.slice(bracket === -1 ? end : end + 1)
  if (address === '' || address === doubleBounceUser) return { ok: true, mailbox: null, rest }
  const at = address.lastIndexOf('@')
  const localPart = at === -1 ? address : address.slice(0, at)
  const domain = at === -1 ? someDomain : address.slice(at + 1)
  const quoted = `"${localPart.replaceAll(/["\\]/g, '\\$&')}"@${domain}`
  const mailbox = parseMailbox(quoted, options)
  if (mailbox === undefined || localPart === '') return strict
  return { ok: true, mailbox: at === -1 ? { localPart, domain: '' } : mailbox, rest }
}

/** Without a source route, quotes and backslashes; up to an unquoted `stop`. */
function unquoted(
  text: string,
  from: number,
  stop: string,
): { readonly address: string; readonly end: number } {
  const start = text[from] === '@' ? text.indexOf(':', from) + 1 || from : from
  let address = ''
  let isQuoted = false
  let at = start
  for (; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '\\') address += text[++at] ?? ''
    else if (character === '"') isQuoted = !isQuoted
    else if (character === stop && !isQuoted) break
    else address += character
  }
  return { address, end: at }
}
