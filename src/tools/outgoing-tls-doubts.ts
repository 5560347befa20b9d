/**
 * What `delivery.tls` says of domains whose mail goes to a relay: the session is with the relay, and its policy counts.
 * Whoever writes `partner.example: verify` and a route for that domain believes in what never happens.
 */
import type { Configuration } from '../config/configuration.ts'
import { routeElsewhere, targetRoute } from '../delivery/router.ts'
import { domainKeys } from '../formats/control-domains.ts'
import type { DomainTable } from '../formats/domain-table.ts'
import { tlsLevels, type TlsPolicy } from '../mail/tls-policy.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import { routingTables } from './routing-tables.ts'

/** A list of routes may be long, and one policy may stand for all of them. */
const mostDoubts = 50

/** What is said of routes, and of TLS. */
export interface RoutedTls {
  readonly control: Configuration['control']
  readonly delivery: Pick<Configuration['delivery'], 'routes' | 'local'> & {
    readonly tls: Pick<Configuration['delivery']['tls'], 'policies' | 'otherwise'>
  }
  readonly receiver: { readonly place: Configuration['receiver']['place'] }
}

/** Where mail goes instead of to the mail exchangers of its domain. */
interface Relay {
  readonly hosts: readonly string[]
  readonly protocol: 'smtp' | 'qmtp' | 'lmtp'
  readonly implicitTls: boolean
}

export function outgoingTlsDoubts(configuration: RoutedTls): readonly Mistake[] {
  const { policies } = configuration.delivery.tls
  if (policies.values.size === 0) return []
  const doubts = new Map<string, Mistake>()
  for (const key of candidates(configuration)) {
    const relay = relayOf(sample(key), configuration)
    const doubt = relay && doubtOf(key, relay, configuration)
    if (doubt !== undefined) doubts.set(`${doubt.key} ${doubt.problem}`, doubt)
    if (doubts.size >= mostDoubts) break
  }
  return [...doubts.values()]
}

/** Domains with routes of their own; and those of the policies, where a default route takes whatever has none. */
function candidates({ control, delivery }: RoutedTls): ReadonlySet<string> {
  const lines = [...control.qmtpRoutes.lines, ...control.smtpRoutes.lines]
  const written = [...delivery.routes.values.keys(), ...lines.map(({ key }) => key)]
  const hops = lines.flatMap(({ relay }) => (relay ? [relay, ...(relay.others ?? [])] : []))
  const hosts = new Set(hops.map(({ host }) => host.toLowerCase()))
  for (const target of delivery.routes.values.values()) {
    if ('host' in target) hosts.add(target.host.toLowerCase())
  }
  const isRelay = (key: string): boolean =>
    [...hosts].some((host) => host === key || (key.startsWith('.') && host.endsWith(key)))
  // While some mail goes by MX, the name may be that of a mail exchanger.
  const asksExchangers =
    lines.some(({ relay }) => relay === undefined) ||
    [...delivery.routes.values.values()].some(({ kind }) => kind === 'mx')
  const named = asksExchangers ? [] : [...delivery.tls.policies.values.keys()]
  const domains = [...written, ...named.filter((key) => !isRelay(key))]
  return new Set(domains.filter((key) => key !== '' && key !== '*'))
}

function keyFor(domain: string, { values }: DomainTable<TlsPolicy>): string | undefined {
  return [...domainKeys(domain)].find((key) => values.has(key))
}

/** A domain that the key covers. */
function sample(key: string): string {
  return key.startsWith('.') ? `domain${key}` : key
}

/** @returns undefined where mail for the domain stays here, or goes to its mail exchangers */
function relayOf(domain: string, configuration: RoutedTls): Relay | undefined {
  const tables = routingTables(configuration)
  const target = tables.routes?.find(domain)
  if (target === undefined && isOurs(domain, configuration)) return undefined
  const route = target === undefined ? routeElsewhere(domain, tables) : targetRoute(domain, target)
  if (route.transport === 'lmtp') {
    const hosts = 'path' in route.to ? [] : [route.to.host]
    return { hosts, protocol: 'lmtp', implicitTls: false }
  }
  if (route.transport === 'smtp' && !/^(?:relay|smtps):/.test(route.key)) return undefined
  const hosts = [route.host, ...(route.others ?? []).map(({ host }) => host)]
  const implicitTls = route.transport === 'smtp' && route.implicitTls === true
  return { hosts, protocol: route.transport, implicitTls }
}

function isOurs(domain: string, { control, delivery }: RoutedTls): boolean {
  if (control.locals.has(domain)) return true
  const prefix = control.virtualDomains.find(`postmaster@${domain}`)?.prefix ?? ''
  return delivery.local === 'users' && prefix !== ''
}

function doubtOf(
  domain: string,
  relay: Relay,
  { delivery: { tls }, receiver }: RoutedTls,
): Mistake | undefined {
  const key = keyFor(sample(domain), tls.policies)
  const wanted = key === undefined ? undefined : tls.policies.values.get(key)
  if (key === undefined || wanted === undefined) return undefined
  const ofRoute = tls.policies.find(relay.hosts[0] ?? '')
  const lax = relay.hosts.find((host) => {
    const own = ofRoute ?? tls.policies.find(host)
    const given = own ?? tls.otherwise
    const isMore = own !== undefined && rank(given) > rank(wanted)
    // RFC 8314: from the first byte or not at all.
    const isSafe = relay.implicitTls && wanted.level !== 'verify'
    return given.level !== wanted.level && !isMore && !isSafe
  })
  if (lax === undefined) return undefined
  const { level } = ofRoute ?? tls.policies.find(lax) ?? tls.otherwise
  return mistakeAt({ ...receiver.place, path: ['delivery', 'tls', key] }, [], {
    problem: `does not count for mail to ${domain}: it goes ${ways[relay.protocol]} to ${lax}, for which it is ${level}`,
    remedy: remedyFor(lax, relay, wanted),
    code: 'relay-tls',
  })
}

const ways = { smtp: 'by SMTP', qmtp: 'by QMTP', lmtp: 'by LMTP' } as const

function remedyFor(host: string, { protocol }: Relay, { level, names = [] }: TlsPolicy): string {
  if (protocol === 'qmtp' && level !== 'none' && level !== 'may') {
    return 'QMTP has no TLS: route the mail by SMTP, or take the policy away'
  }
  const policy = [level, ...names].join(' ')
  return host.includes(':')
    ? `name the relay by a host name in the route, and write delivery: { tls: { that name: ${policy} } }`
    : `write delivery: { tls: { ${host}: ${policy} } }, and take the other away`
}

function rank({ level }: TlsPolicy): number {
  return tlsLevels.indexOf(level)
}
