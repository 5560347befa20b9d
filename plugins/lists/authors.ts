/**
 * The mailboxes in a header From (RFC 5322 §3.4), read as a mail client would show them: display names, comments, groups
 * and quoted strings are passed over. Linear in the text, bounded; what is no address is left out.
 */
import { parseMailbox, type Mailbox } from 'postern/plugin'

/** More authors are not looked at: RFC 5322 knows no limit, a sensible message has one. */
const mostAuthors = 50
const longestField = 20_000

/** Of all fields of that name: which of several is shown differs from client to client. */
export function authorsIn(values: readonly string[]): readonly Mailbox[] {
  const authors: Mailbox[] = []
  for (const value of values) {
    for (const text of addressesIn(value.slice(0, longestField))) {
      const mailbox = parseMailbox(text, { smtputf8: true })
      if (mailbox !== undefined) authors.push(mailbox)
      if (authors.length === mostAuthors) return authors
    }
  }
  return authors
}

/** The text of each address: what stands in angle brackets, or all of it where there are none. */
function* addressesIn(value: string): Generator<string, void> {
  let plain = ''
  let angle: string | undefined
  for (let at = 0; at < value.length; at++) {
    const c = value.charAt(at)
    if (c === '(') at = commentEnd(value, at)
    else if (c === '"') {
      const end = quotedEnd(value, at)
      plain += value.slice(at, end + 1)
      at = end
    } else if (c === '<') {
      const end = angleEnd(value, at)
      angle = value.slice(at + 1, end).trim()
      at = end
    } else if (c === ',' || c === ';') {
      yield angle ?? plain.trim()
      plain = ''
      angle = undefined
    } else if (c === ':') plain = ''
    else plain += c
  }
  yield angle ?? plain.trim()
}

/** The index of the character that ends a comment, which may hold others. */
function commentEnd(value: string, from: number): number {
  let depth = 0
  for (let at = from; at < value.length; at++) {
    const c = value.charAt(at)
    if (c === '\\') at += 1
    else if (c === '(') depth += 1
    else if (c === ')' && --depth === 0) return at
  }
  return value.length
}

function quotedEnd(value: string, from: number): number {
  for (let at = from + 1; at < value.length; at++) {
    const c = value.charAt(at)
    if (c === '\\') at += 1
    else if (c === '"') return at
  }
  return value.length
}

/** A quoted local-part may hold the bracket that would end it. */
function angleEnd(value: string, from: number): number {
  for (let at = from + 1; at < value.length; at++) {
    const c = value.charAt(at)
    if (c === '"') at = quotedEnd(value, at)
    else if (c === '>') return at
  }
  return value.length
}
