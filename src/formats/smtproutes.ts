/**
 * control/smtproutes: `domain:relay`, in all the forms of qmail-remote and of the JMS patch.
 * A line whose relay means nothing is left out of the routes and reported; routes with mistakes must not be put to use,
 * because the domain of such a line would fall through to another route.
 */
import { domainKeys } from './control-domains.ts'
import { controlTable, strayCharacter, type ControlReading } from './control.ts'
import type { LineMistake } from './line-mistake.ts'
import { Secret } from './secret.ts'

export interface SmtpRouteLine {
  /** The key that matched, lower-cased: a domain, a `.suffix`, or empty for the default route. */
  readonly key: string
  readonly line: number
  /** Where the mail goes instead of to the MX; undefined where the line says: by MX after all (`domain:`). */
  readonly relay?: SmtpRelay
}

export interface SmtpRelay {
  /** A name, or an IP address without brackets. Only its addresses are looked up, never its MX. */
  readonly host: string
  /** Tried after it, in this order. Ours: qmail knows one relay for a domain. */
  readonly others?: readonly RelayHop[]
  readonly port: number
  readonly login?: SmtpRelayLogin
}

/** Another relay of the same domain. */
export interface RelayHop {
  readonly host: string
  readonly port: number
}

export interface SmtpRelayLogin {
  readonly user: string
  readonly password: Secret
  /** `-user`: log in without TLS, and do not use STARTTLS. */
  readonly withoutTls: boolean
}

export interface SmtpRoutes {
  /** The line for a recipient's domain: its own, that of a `.suffix`, the default route; in this order. */
  find(domain: string): SmtpRouteLine | undefined
  /** All of them. */
  readonly lines: readonly SmtpRouteLine[]
}

const SMTP_PORT = 25
const QMTP_PORT = 209
const RELAY = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/
const HOST = /^[^\s@/,;<>"\\]+$/

export function parseSmtpRoutes(bytes: Uint8Array | undefined): ControlReading<SmtpRoutes> {
  return parseRoutes(bytes, (value) => parseRelay(value, SMTP_PORT))
}

/** control/qmtproutes, as the patches have it that make qmail a client of QMTP: the same lines, port 209, and no logins. */
export function parseQmtpRoutes(bytes: Uint8Array | undefined): ControlReading<SmtpRoutes> {
  return parseRoutes(bytes, (value) => {
    const relay = parseRelay(value, QMTP_PORT)
    const hasLogin = typeof relay === 'object' && relay.login !== undefined
    return hasLogin ? 'QMTP has no logins: write the relay alone' : relay
  })
}

type Parsed = SmtpRelay | undefined | string

function parseRoutes(
  bytes: Uint8Array | undefined,
  parse: (value: string) => Parsed,
): ControlReading<SmtpRoutes> {
  const table = controlTable(bytes)
  const lines = new Map<string, SmtpRouteLine>()
  const mistakes = [...table.mistakes]
  for (const [key, { value, line, text }] of table.value) {
    const relay = parse(value)
    if (relay === undefined) lines.set(key, { key, line })
    else if (typeof relay !== 'string') lines.set(key, { key, line, relay })
    else if (strayCharacter(text) === undefined) mistakes.push({ line, text, remedy: relay })
  }
  const find = (domain: string): SmtpRouteLine | undefined => {
    for (const key of domainKeys(domain)) {
      const line = lines.get(key)
      if (line !== undefined) return line
    }
    return lines.get('')
  }
  return {
    value: { find, lines: [...lines.values()] },
    mistakes: mistakes.map(withoutPassword),
    doubts: table.doubts.map(withoutPassword),
  }
}

/** What follows the first blank may be a login. */
function withoutPassword(mistake: LineMistake): LineMistake {
  const blank = mistake.text.search(/[^ \t][ \t]/)
  return blank === -1 ? mistake : { ...mistake, text: `${mistake.text.slice(0, blank + 1)} ***` }
}

/** `relay[:port][,relay[:port]…][ user password]`; undefined for an empty value, a remedy for a senseless one. */
function parseRelay(value: string, usualPort: number): Parsed {
  if (value === '') return undefined
  const [, target = '', credentials] = /^([^ \t]*)(?:[ \t]+(.*))?$/s.exec(value) ?? []
  const [firstHop = '', ...otherHops] = target.split(',')
  const first = parseHop(firstHop, usualPort)
  if (typeof first === 'string') return first
  // Where no other is said, it is the first one's.
  const hops = otherHops.map((hop) => parseHop(hop, first.port))
  const wrong = hops.find((hop) => typeof hop === 'string')
  if (wrong !== undefined) return wrong
  const others = hops.flatMap((hop) => (typeof hop === 'string' ? [] : [hop]))
  const relay = { ...first, ...(others.length === 0 ? {} : { others }) }
  if (credentials === undefined) return relay
  const login = parseLogin(credentials)
  return login === undefined ? 'a login is written: relay user password' : { ...relay, login }
}

const senseless =
  'after the colon comes relay, relay:port, [ip] or [ip]:port; IPv6 always in brackets'

/** One of several that commas separate. @returns a remedy for a senseless one */
function parseHop(text: string, usualPort: number): RelayHop | string {
  const [, bracketed, name, portText] = RELAY.exec(text) ?? []
  const host = bracketed ?? name
  if (host === undefined || !HOST.test(host)) return senseless
  const port = portText === undefined ? usualPort : parsePort(portText)
  return port === undefined ? 'the port is a number from 1 to 65535' : { host, port }
}

function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : undefined
}

/** The password is all the rest of the line. */
function parseLogin(credentials: string): SmtpRelayLogin | undefined {
  const [, first = '', password] = /^([^ \t]+)[ \t]+(.+)$/s.exec(credentials) ?? []
  const withoutTls = first.startsWith('-')
  const user = withoutTls ? first.slice(1) : first
  if (user === '' || password === undefined) return undefined
  return { user, password: new Secret(password), withoutTls }
}
