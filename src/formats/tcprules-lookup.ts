/**
 * Which rule of tcp.smtp a client gets: tcpserver's order, in the text (a Map) or in a cdb. One rule applies, never two.
 * A rule is the same object each time it is found, so that what hangs on its environment can be cached by identity.
 */
import type { Cdb } from './cdb-reader.ts'
import { latin1, latin1Bytes, readable, utf8Octets } from './octets.ts'
import type { TcpRulesText } from './tcprules.ts'
import {
  canonicalIpv6,
  NETWORK_LENGTHS_KEY,
  networkKeys,
  noNetworks,
  parseNetworkLengths,
  type NetworkLengths,
} from './tcprules-networks.ts'

export interface TcpRule {
  readonly action: 'allow' | 'deny'
  readonly environment: ReadonlyMap<string, string>
  /** Where it stands: the key that matched, and the line of the text (from 1) where there is a text. */
  readonly rule: { readonly key: string; readonly line?: number }
}

/** Who is asking. Unknown is not empty: an empty host matches `=`. */
export interface TcpClient {
  /** IPv4 dotted, or IPv6; an IPv4 address never in its IPv6-mapped form. */
  readonly ip: string
  /** TCPREMOTEHOST, at most 255 octets; case counts. */
  readonly host?: string | undefined
  /** TCPREMOTEINFO: what ident said. */
  readonly info?: string | undefined
}

export interface TcpRules {
  /** The rule under exactly this key, which holds one character for each byte. */
  find(key: string): TcpRule | undefined
  /** Each once, in no order; those that can never be found too. */
  all(): Iterable<TcpRule>
  readonly networks: NetworkLengths
  /** Some rule asks for the name of a client, or for any. */
  readonly namesHosts: boolean
}

/** A cdb may hold millions of rules; so many of them are kept decoded. */
const RULES_KEPT = 1024

/** The rule of this client. None means: allowed, with no variables. @throws CdbError where a cdb is damaged */
export function findTcpRule(rules: TcpRules, client: TcpClient): TcpRule | undefined {
  for (const key of tcpRuleKeys(client, rules.networks)) {
    const rule = rules.find(key)
    if (rule !== undefined) return rule
  }
  return undefined
}

/** Whether the rule of a client may depend on its name: where one stands for the very address it does not. */
export function wantsHost(rules: TcpRules, ip: string): boolean {
  return rules.namesHosts && rules.find(addressKey(ip)) === undefined
}

/** Rules in memory. The text must have no mistakes. */
export function tcpRulesOfText({ records, networks }: TcpRulesText): TcpRules {
  const rules = new Map<string, TcpRule>()
  for (const { key, data, line } of records) {
    if (!rules.has(key)) rules.set(key, decodeRule(data, { key: text(key), line }))
  }
  const namesHosts = records.some(({ key }) => isHostKey(key))
  return { networks, namesHosts, all: () => rules.values(), find: (key) => rules.get(key) }
}

/** Rules in a file, of ours or of the original tcprules. @throws CdbError where the cdb is damaged */
export function tcpRulesOfCdb(cdb: Cdb): TcpRules {
  const lengths = cdb.get(NETWORK_LENGTHS_KEY)
  const kept = new Map<string, TcpRule>()
  let namesHosts: boolean | undefined
  return {
    networks: lengths === undefined ? noNetworks : parseNetworkLengths(latin1(lengths)),
    get namesHosts() {
      namesHosts ??= cdb.entries().some(([key]) => isHostKey(latin1(key)))
      return namesHosts
    },
    *all() {
      for (const [key, data] of cdb.entries()) {
        if (latin1(key) === NETWORK_LENGTHS_KEY) continue
        yield decodeRule(latin1(data), { key: text(latin1(key)) })
      }
    },
    find(key) {
      const known = kept.get(key)
      if (known !== undefined) return known
      const data = cdb.get(latin1Bytes(key))
      if (data === undefined) return undefined
      if (kept.size === RULES_KEPT) kept.clear()
      const rule = decodeRule(latin1(data), { key: text(key) })
      kept.set(key, rule)
      return rule
    },
  }
}

/** The keys that tcpserver looks up for a client, in its order; one character for each byte. */
export function* tcpRuleKeys(client: TcpClient, networks: NetworkLengths): Generator<string, void> {
  const ip = addressKey(client.ip)
  const host = client.host === undefined ? undefined : utf8Octets(client.host)
  if (client.info !== undefined) {
    const info = utf8Octets(client.info)
    yield `${info}@${ip}`
    if (host !== undefined) yield `${info}@=${host}`
  }
  yield ip
  if (host !== undefined) yield `=${host}`
  yield* networkKeys(ip.startsWith('[') ? ip.slice(1, -1) : ip, networks)
  for (let end = ip.length; end > 0; end--) if (ip[end - 1] === '.') yield ip.slice(0, end)
  if (host !== undefined) {
    for (let start = 0; start < host.length; start++) {
      if (host[start] === '.') yield `=${host.slice(start)}`
    }
    yield '='
  }
  yield ''
}

/** What the data of a record says, item by item: `D`, or `+NAME=value`. An item without its NUL is not there. */
export function tcpRuleItems(data: string): string[] {
  return data.split('\0').slice(0, -1)
}

function addressKey(ip: string): string {
  const ipv6 = ip.includes(':') ? canonicalIpv6(ip) : undefined
  return ipv6 === undefined ? ip : `[${ipv6}]`
}

function isHostKey(key: string): boolean {
  return key.startsWith('=')
}

function decodeRule(data: string, rule: TcpRule['rule']): TcpRule {
  const environment = new Map<string, string>()
  let action: TcpRule['action'] = 'allow'
  for (const item of tcpRuleItems(data)) {
    if (item.startsWith('D')) action = 'deny'
    const equals = item.indexOf('=')
    if (item.startsWith('+') && equals !== -1) {
      environment.set(text(item.slice(1, equals)), text(item.slice(equals + 1)))
    }
  }
  return { action, environment, rule }
}

function text(octets: string): string {
  return readable(latin1Bytes(octets))
}
