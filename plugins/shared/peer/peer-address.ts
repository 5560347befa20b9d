/** Where a server that we ask is to be found, as an operator writes it: `127.0.0.1:3310`, `[::1]:3310`, `/run/x.sock`. */
import type { JsonValue, NetAddress, Option, Parsed } from 'postern/plugin'

const mostPeers = 32

/**
 * `host:port`, `[::1]:port`, the path of a UNIX socket; milters are written `inet:port@host`, `inet6:port@host` and
 * `unix:path` too (libmilter's notation). @returns undefined for anything else
 */
export function parsePeerAddress(text: string): NetAddress | undefined {
  const path = /^(?:(?:unix|local):)?(\.{0,2}\/.{0,200})$/.exec(text)?.[1]
  if (path !== undefined) return path.includes('\0') ? undefined : { path }
  const milter = /^inet6?:(\d{1,5})@([^@\s]{1,255})$/.exec(text)
  if (milter !== null) return tcp(milter[2] ?? '', milter[1] ?? '')
  const plain = /^(?:\[([\da-fA-F:.]{2,45})\]|([^:\s@/[\]]{1,255})):(\d{1,5})$/.exec(text)
  return plain === null ? undefined : tcp(plain[1] ?? plain[2] ?? '', plain[3] ?? '')
}

function tcp(host: string, digits: string): NetAddress | undefined {
  const port = Number(digits)
  return port >= 1 && port <= 65_535 ? { host, port } : undefined
}

export function formatPeerAddress(address: NetAddress): string {
  if ('path' in address) return address.path
  const { host, port } = address
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const remedy = 'write host:port, [::1]:port, or the path of a UNIX socket'

/** An option that takes one or more servers, in the order in which they are asked. */
export function peersOption(strings: Option<readonly string[]>): Option<readonly NetAddress[]> {
  return {
    ...strings,
    type: 'list of servers',
    parse(value: JsonValue, resources): Parsed<readonly NetAddress[]> {
      const texts = strings.parse(value, resources)
      if (!texts.ok) return texts
      if (texts.value.length === 0 || texts.value.length > mostPeers) {
        const problem = texts.value.length === 0 ? 'names no server' : 'names too many servers'
        return { ok: false, problem, remedy: `name 1 to ${mostPeers} of them` }
      }
      const peers: NetAddress[] = []
      for (const text of texts.value) {
        const address = parsePeerAddress(text)
        if (address === undefined) return notAPeer(text)
        peers.push(address)
      }
      return { ok: true, value: peers }
    },
  }
}

/** The same for exactly one. */
export function peerOption(string: Option<string>): Option<NetAddress> {
  return {
    ...string,
    type: 'server',
    parse(value: JsonValue, resources): Parsed<NetAddress> {
      const text = string.parse(value, resources)
      if (!text.ok) return text
      const address = parsePeerAddress(text.value)
      return address === undefined ? notAPeer(text.value) : { ok: true, value: address }
    },
  }
}

function notAPeer(text: string): Parsed<never> {
  return { ok: false, problem: `${JSON.stringify(text.slice(0, 100))} is no server`, remedy }
}
