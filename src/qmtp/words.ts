/** How a packet is answered: a netstring whose first byte says what it means, and words for people behind it. */
import { netstring } from '../formats/netstring.ts'
import { printable, type Reply } from '../mail/reply.ts'

/** `K` accepted, `Z` not now, `D` never; qmail puts the enhanced status code behind its words. */
export function packetAnswer({ code, status, lines }: Reply): string {
  const text = printable(lines.join(' '))
  if (code < 400) return netstring(`K${text}`).toString('latin1')
  const letter = code < 500 ? 'Z' : 'D'
  return netstring(`${letter}${text}${status === undefined ? '' : ` (#${status})`}`).toString(
    'latin1',
  )
}
