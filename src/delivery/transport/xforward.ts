/**
 * XFORWARD (Postfix, XFORWARD_README): to a next hop that trusts us, who the client was that gave us the message, for its
 * log and its policies. Holds for one transaction. Only attributes that the hop has announced are said.
 */
import type { Envelope } from '../../mail/envelope.ts'
import type { Extensions } from './extensions.ts'
import { xtext } from './mail-command.ts'

/** Where a message comes from, as a next hop is told. */
export interface Source {
  /** Absent: no client at all, a program of this host or we ourselves. */
  readonly origin: Envelope['origin']
  readonly queueId: string
}

/** RFC 5321 §4.5.3.1.4 bounds a command line, so there are two. */
const groups = [
  ['NAME', 'ADDR', 'PORT', 'SOURCE', 'IDENT'],
  ['PROTO', 'HELO'],
] as const
const maxValueBytes = 255

/** The commands before MAIL; none where the hop does not offer XFORWARD. */
export function xforwardCommands(source: Source, extensions: Extensions): readonly string[] {
  const offered = (extensions.get('XFORWARD') ?? '').toUpperCase().split(/ +/)
  return groups.flatMap((names) => {
    const said = names.filter((name) => offered.includes(name))
    if (said.length === 0) return []
    return `XFORWARD ${said.map((name) => `${name}=${valueOf(name, source)}`).join(' ')}`
  })
}

type Name = (typeof groups)[number][number]

function valueOf(name: Name, { origin, queueId }: Source): string {
  switch (name) {
    case 'NAME':
      return known(origin?.name)
    case 'ADDR':
      return known(origin && literal(origin.address))
    case 'PORT':
      return known(origin && (origin.port === 0 ? undefined : String(origin.port)))
    case 'PROTO':
      return known(origin?.protocol)
    case 'HELO':
      return known(origin?.hello)
    case 'IDENT':
      return known(queueId)
    case 'SOURCE':
      return origin === undefined ? 'LOCAL' : 'REMOTE'
  }
}

/** As Postfix wants it. */
function literal(address: string): string {
  return address.includes(':') ? `IPV6:${address}` : address
}

/** What can not be one word there, or is too long to be believed, is as good as unknown. */
function known(value: string | undefined): string {
  const isSayable = value !== undefined && /^[^\p{Cc}\s()<>,;"\\]+$/u.test(value)
  return isSayable && value.length <= maxValueBytes ? xtext(value) : '[UNAVAILABLE]'
}
