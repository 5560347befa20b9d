/** Where the mail of a domain goes, in one word: `lmtp:/run/dovecot/lmtp`, `smtps:relay.example:465`, `mx`. */

export type RouteTarget =
  /** By the mail exchangers of the domain. */
  | { readonly kind: 'mx' }
  | {
      readonly kind: 'smtp'
      /** A name or an IP address without brackets; only its addresses are looked up. */
      readonly host: string
      readonly port: number
      readonly implicitTls: boolean
    }
  | { readonly kind: 'qmtp'; readonly host: string; readonly port: number }
  | {
      readonly kind: 'lmtp'
      readonly to: { readonly host: string; readonly port: number } | { readonly path: string }
    }

/** RFC 8314 §3 for `smtps`; QMTP has 209; LMTP has no port of its own, 24 is what is used. */
const ports: ReadonlyMap<string, number> = new Map([
  ['smtp', 25],
  ['smtps', 465],
  ['lmtp', 24],
  ['qmtp', 209],
])
const target =
  /^(smtps?|lmtp|qmtp):(?:\[([\da-f:.]{2,45})\]|([a-z\d_](?:[\w.-]{0,253}[a-z\d_])?))(?::(\d{1,5}))?$/i
const path = /^lmtp:(?:unix:)?(\/[^\0]{1,106})$/

/** What a mistake is answered with. */
export const routeTargetRemedy =
  'write mx, smtp:host, smtp:host:port, smtps:host, qmtp:host, lmtp:host:port or lmtp:/path/of/socket; IPv6 in brackets'

/** @returns undefined for anything else */
export function parseRouteTarget(text: string): RouteTarget | undefined {
  if (text === 'mx') return { kind: 'mx' }
  const [, socket] = path.exec(text) ?? []
  if (socket !== undefined) return { kind: 'lmtp', to: { path: socket } }
  const [, word = '', bracketed, name, digits] = target.exec(text) ?? []
  const kind = word.toLowerCase()
  const host = bracketed ?? name
  const port = digits === undefined ? ports.get(kind) : Number(digits)
  if (host === undefined || port === undefined || port < 1 || port > 65_535) return undefined
  if (kind === 'qmtp') return { kind, host, port }
  return kind === 'lmtp'
    ? { kind, to: { host, port } }
    : { kind: 'smtp', host, port, implicitTls: kind === 'smtps' }
}
