/**
 * From whom a host says, in its Received field, that it has a message: Postfix, Sendmail, Exim, qmail, Exchange and
 * ourselves each write it in their own way. Much of such a line is what the client said of itself, so an address counts
 * only where the host writes what it has seen, and a line that names two is not believed at all.
 */
import { parseNetworks } from 'postern/plugin'

export interface ReceivedClient {
  readonly address: string
  /** What it called itself, where that can be told; else empty. */
  readonly hello: string
}

/** qmail's own lines stand between those that name clients. `none`: it was written on this very host. */
export type ReceivedReading = ReceivedClient | 'no client' | 'none' | undefined

const longestField = 4_096
const deepestComment = 5

/** @param value of one Received field, unfolded. @returns `undefined` where nobody can say */
export function receivedClient(value: string): ReceivedReading {
  const text = value.slice(0, longestField)
  if (/^\(qmail \d+ invoked from network\)/.test(text)) return 'no client'
  if (/^\([\w-]+ \d+ invoked (?:by|for) /.test(text)) return 'none'
  const clause = fromClause(text)
  if (clause === undefined) return undefined
  const { first, comments } = clause
  const addresses = new Set(comments.flatMap(addressesIn))
  const inFront = addressOf(/^\[([^\]]*)\]/.exec(first)?.[1])
  // Exim, where the client has no name: the address comes first, and the comment says so by its words.
  const isExim = comments.some((comment) => /^(?:helo|port)=/i.test(comment))
  if (addresses.size === 0 && isExim && inFront !== undefined) addresses.add(inFront)
  const [address, another] = addresses
  if (address === undefined || another !== undefined) return undefined
  return { address, hello: helloOf(first, comments) }
}

interface FromClause {
  /** The word after `from`. */
  readonly first: string
  /** Those that follow it, without their parentheses. */
  readonly comments: readonly string[]
}

/** `from word (comment) (comment)`, up to what follows. */
function fromClause(text: string): FromClause | undefined {
  const [start, first] = /^from[ \t]+([^\s()]+)[ \t]*/i.exec(text) ?? []
  if (start === undefined || first === undefined) return undefined
  const comments: string[] = []
  let at = start.length
  while (text[at] === '(') {
    const end = commentEnd(text, at)
    if (end === undefined) return undefined
    comments.push(text.slice(at + 1, end - 1))
    at = end
    while (text[at] === ' ' || text[at] === '\t') at++
  }
  return { first, comments }
}

/** RFC 5322 §3.2.2: comments nest. A backslash takes the next character as it is. */
function commentEnd(text: string, from: number): number | undefined {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(' && ++depth > deepestComment) return undefined
    else if (text[at] === ')' && --depth === 0) return at + 1
  }
  return undefined
}

/** `name [192.0.2.1]`, `[192.0.2.1] helo=x`, `192.0.2.1`, `info@192.0.2.1`; never what stands behind HELO. */
function addressesIn(comment: string): readonly string[] {
  if (/^HELO\s/i.test(comment)) return []
  const seen = comment.replace(/\bhelo=\S*/gi, '')
  const bare = addressOf(/^(?:[^\s@()]*@)?([\da-f:.]{2,45})$/i.exec(seen)?.[1])
  if (bare !== undefined) return [bare]
  return [...seen.matchAll(/\[([^\]\s]{2,60})\]/g)].flatMap(([, inside]) => {
    const address = addressOf(inside)
    return address === undefined ? [] : [address]
  })
}

/** In one spelling, an IPv4 address never in its IPv6-mapped form. */
function addressOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const plain = text.replace(/^IPv6:/i, '').replace(/^::ffff:(?=\d+\.)/i, '')
  return parseNetworks([plain]).ok && !plain.includes('/') ? plain.toLowerCase() : undefined
}

function helloOf(first: string, comments: readonly string[]): string {
  for (const comment of comments) {
    const said = /^HELO\s+(\S+)$/i.exec(comment) ?? /\bhelo=(\S+)/i.exec(comment)
    if (said?.[1] !== undefined) return said[1].slice(0, 255)
  }
  return first.toLowerCase() === 'unknown' ? '' : first.slice(0, 255)
}
