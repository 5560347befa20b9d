/**
 * From a route to a session that waits for MAIL: the hosts of the route one after the other, until one lets us in
 * under the terms of the TLS policy. A host that can not be reached or turns us away is no answer; where none lets us
 * in, a temporary reason tells more than a permanent one.
 */
import ipaddr from 'ipaddr.js'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import { printable } from '../../mail/reply.ts'
import type { SmtpRoute } from '../../mail/route.ts'
import { isSamePolicy, type TlsPolicy } from '../../mail/tls-policy.ts'
import type { Dns } from '../../runtime/dns.ts'
import type { Random } from '../../runtime/random.ts'
import type { Found } from './found.ts'
import type { Hop } from './hop-result.ts'
import type { EightBitRule } from './mail-form.ts'
import { addressesOf, hostsOf, type AddressFamilies, type HostGroup } from './mail-exchangers.ts'
import type { SecureDns } from '../../runtime/secure-dns.ts'
import { danePolicy, type DaneAnswer } from '../dane.ts'
import { isStsExchanger, type StsPolicy } from '../mta-sts/policy.ts'
import {
  failureOfCode,
  noPolicy,
  stsFacts,
  type TlsObserver,
  type TlsOutcome,
  type TlsSighting,
} from '../tls-rpt/sighting.ts'
import { enter, type EnterDoors, type EnterSettings, type Terms } from './session-entry.ts'
import type { SmtpSession } from './smtp-session.ts'

/** What outgoing connections are made with; asked for each delivery. */
export interface OutgoingSettings extends EnterSettings {
  readonly families: AddressFamilies
  /** At most so many recipients in one transaction. */
  readonly maxRecipients: number
  /** What the operator says of a route's domain or relay, and of the host that serves it. */
  readonly tlsPolicy: (host: string, exchanger: string) => TlsPolicy | undefined
  /** Whether this next hop is told of the client that sent the message (XFORWARD). */
  readonly tellsSource: (host: string) => boolean
  readonly eightBit: EightBitRule
  /** Where neither operator nor domain says anything. */
  readonly defaultTls: TlsPolicy
}

export interface ReachDoors extends EnterDoors {
  readonly dns: Dns
  readonly random: Random
  /** What DNSSEC vouches for: with it DANE is obeyed (RFC 7672). */
  readonly secureDns?: SecureDns
  /** What a domain demands by MTA-STS (RFC 8461). Absent: nobody is asked. */
  readonly stsPolicies?: {
    find(domain: string, signal: AbortSignal): Promise<StsPolicy | undefined>
  }
  /** Told of TLS with mail exchangers whose domains may say what they demand (RFC 8460). */
  readonly tlsSeen?: TlsObserver
}

export interface Journey {
  readonly route: SmtpRoute
  readonly settings: OutgoingSettings
  readonly signal: AbortSignal
  /** RFC 8689: only to a host whose name is verified and that promises the same. */
  readonly requireTls: boolean
  /** Its sender would rather have it in the clear than not at all (TLS-Required, RFC 8689 §3). */
  readonly tlsOptional?: boolean
}

/** However many addresses a domain has: each may cost the time of a greeting that never comes. */
const maxConnections = 5

export async function reach(doors: ReachDoors, journey: Journey): Promise<Found<SmtpSession>> {
  const { route, signal } = journey
  const hosts = await hostsOf(route, { dns: doors.dns, random: doors.random, signal })
  if (hosts.found === undefined) return hosts
  const stated = await stsPolicy(doors, journey)
  const sts = stated?.mode === 'enforce' ? stated : undefined
  let why: DeliveryResult | undefined
  const gather = (result: DeliveryResult): void => {
    if (why?.outcome !== 'deferred' || result.outcome === 'deferred') why = result
  }
  let connections = 0
  for (const group of hosts.found) {
    const hops = await hopsOf(permitted(group, { sts, gather, doors, route }), doors, journey)
    if (hops === 'own') return { result: why ?? ownDomain(route) }
    for (const hop of hops) {
      if (hop.result !== undefined) gather(hop.result)
      if (hop.found === undefined) continue
      if (signal.aborted || connections === maxConnections) return { result: why ?? noHost }
      connections++
      const { policy: tls, facts, result } = await policyFor(hop.found, stated, { doors, journey })
      if (result !== undefined) {
        unanswered(doors, { domain: route.host, hop: hop.found }, result)
        gather(result)
      }
      if (tls === undefined) continue
      const seen =
        facts && seenBy(doors, { domain: route.host, policy: facts, hop: hop.found }, stated)
      const entered = await enter(doors, hop.found, {
        ...journey,
        ...route,
        protocol: 'smtp',
        tls,
        ...(seen === undefined ? {} : { seen }),
      })
      if (entered.found !== undefined) return entered
      gather(entered.result)
    }
  }
  return { result: why ?? noHost }
}

/**
 * Whether a session that was opened earlier is under the terms that its host would be asked to meet now: what its domain
 * demands may have come to be known since, or the operator has changed their mind.
 */
export async function suits(
  { hop, policy: before }: SmtpSession,
  doors: ReachDoors,
  journey: Journey,
): Promise<boolean> {
  const stated = await stsPolicy(doors, journey)
  if (stated?.mode === 'enforce' && !isStsExchanger(stated, hop.name)) return false
  const { policy } = await policyFor(hop, stated, { doors, journey })
  return policy !== undefined && isSamePolicy(before, policy)
}

/** Whether domains may demand anything: not of an operator who names the host, or what it takes, or wants no TLS at all. */
function mayDemand({ route: { lookup, host }, settings, tlsOptional }: Journey): boolean {
  const { tlsPolicy, defaultTls } = settings
  return (
    lookup === 'mx' &&
    tlsOptional !== true &&
    tlsPolicy(host, host) === undefined &&
    defaultTls.level !== 'none'
  )
}

/** What the domain says by MTA-STS: only `enforce` binds us, `testing` wants to hear (RFC 8461 §5). */
async function stsPolicy(
  { stsPolicies }: ReachDoors,
  journey: Journey,
): Promise<StsPolicy | undefined> {
  if (stsPolicies === undefined || !mayDemand(journey)) return undefined
  const policy = await stsPolicies.find(journey.route.host, journey.signal)
  return policy?.mode === 'none' ? undefined : policy
}

/** What the session came to, held against a policy that is only tested. */
function seenBy(
  { tlsSeen }: ReachDoors,
  sighting: Omit<TlsSighting, 'outcome'> & { readonly hop: Hop },
  stated: StsPolicy | undefined,
): Terms['seen'] {
  if (tlsSeen === undefined) return undefined
  return ({ serverProblem, ...outcome }) => {
    const isTested = sighting.policy.type === 'sts' && stated?.mode === 'testing'
    const isNamed = !isTested || isStsExchanger(stated, sighting.hop.name)
    if (outcome.failure !== undefined || !isTested) return tlsSeen({ ...sighting, outcome })
    if (!isNamed) return tlsSeen({ ...sighting, outcome: notNamed })
    if (serverProblem === undefined) return tlsSeen({ ...sighting, outcome })
    const failure = failureOfCode(serverProblem)
    tlsSeen({ ...sighting, outcome: { failure, reason: printable(serverProblem) } })
  }
}

const notNamed: TlsOutcome = { failure: 'validation-failure', reason: 'mx-mismatch' }

/** The first that says something: the operator, DANE (which MTA-STS does not weaken, RFC 8461 §2), MTA-STS, the default. */
async function policyFor(
  hop: Hop,
  stated: StsPolicy | undefined,
  { doors, journey }: { readonly doors: ReachDoors; readonly journey: Journey },
): Promise<DaneAnswer> {
  const { route, settings, signal } = journey
  const told = settings.tlsPolicy(route.host, hop.name)
  if (told !== undefined) return { policy: told }
  const policy: TlsPolicy = stated?.mode === 'enforce' ? { level: 'verify' } : settings.defaultTls
  if (!mayDemand(journey)) return { policy }
  const otherwise = { policy, facts: stated === undefined ? noPolicy : stsFacts(stated) }
  if (doors.secureDns === undefined) return otherwise
  const { host: domain, port } = route
  const dane = await danePolicy(doors.secureDns, { domain, host: hop.name, port }, signal)
  if (dane.result !== undefined) return dane
  // Records that nobody can use ask for TLS alone: no less than somebody else asks for (RFC 8461 §2).
  const asksLess = policy.level === 'verify' && dane.policy?.level === 'encrypt'
  return dane.policy === undefined || asksLess ? otherwise : dane
}

function unanswered(
  { tlsSeen }: ReachDoors,
  { domain, hop }: { readonly domain: string; readonly hop: Hop },
  { text }: DeliveryResult,
): void {
  const outcome = { failure: 'dnssec-invalid', reason: text } as const
  tlsSeen?.({ domain, policy: { type: 'tlsa', lines: [], mx: [hop.name] }, hop, outcome })
}

/** The hosts of a group that the policy names; of the others it is told why they are passed over. */
function permitted(
  group: HostGroup,
  {
    sts,
    gather,
    doors: { tlsSeen },
    route,
  }: {
    readonly sts: StsPolicy | undefined
    readonly gather: (result: DeliveryResult) => void
    readonly doors: ReachDoors
    readonly route: SmtpRoute
  },
): HostGroup {
  if (sts === undefined) return group
  return group.filter(({ name }) => {
    const isNamed = isStsExchanger(sts, name)
    const text = `The MTA-STS policy of the domain does not name its mail exchanger ${name}`
    if (isNamed) return true
    gather({ outcome: 'deferred', status: '4.7.5', text })
    const hop = { name, address: '' }
    tlsSeen?.({ domain: route.host, policy: stsFacts(sts), hop, outcome: notNamed })
    return false
  })
}

/** Where to connect to for these hosts; `own` where one of them is this host (RFC 5321 §5.1: then neither it nor worse ones). */
async function hopsOf(
  group: HostGroup,
  { net, dns, random }: ReachDoors,
  { route, settings, signal }: Journey,
): Promise<readonly Found<Hop>[] | 'own'> {
  const { families } = settings
  const lookUp = { dns, random, signal, families }
  const looked = await Promise.all(group.map(({ name }) => addressesOf(name, route, lookUp)))
  if (route.lookup === 'mx') {
    const addresses = looked.flatMap(({ found = [] }) => found)
    if (isOurselves({ names: group.map(({ name }) => name), addresses }, { net, settings }))
      return 'own'
  }
  return group.flatMap(({ name, port, implicitTls = false }, at): readonly Found<Hop>[] => {
    const answer = looked[at]
    if (answer?.found === undefined) return answer === undefined ? [] : [answer]
    const tls = implicitTls ? { implicitTls } : {}
    return answer.found.map((address) => ({
      found: { name, address, to: { host: address, port }, ...tls },
    }))
  })
}

/** Whether one of these hosts is this one, by its name or by an address. */
export function isOurselves(
  {
    names,
    addresses,
  }: { readonly names: readonly string[]; readonly addresses: readonly string[] },
  {
    net,
    settings: { helloName },
  }: {
    readonly net: Pick<ReachDoors['net'], 'ownAddresses'>
    readonly settings: Pick<OutgoingSettings, 'helloName'>
  },
): boolean {
  const own = new Set(net.ownAddresses().map(plain))
  if (names.includes(helloName.toLowerCase())) return true
  return addresses.map(plain).some((address) => own.has(address) || isLocal(address))
}

/** An IPv4 address that is written as an IPv6 one leads to the same host (RFC 4291 §2.5.5.2). */
function plain(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address
}

/** Addresses that are this host wherever it is. */
function isLocal(address: string): boolean {
  return /^127\.|^0\.0\.0\.0$|^::1?$/.test(address)
}

function ownDomain({ host }: SmtpRoute): DeliveryResult {
  const text = `This host is the best mail exchanger of ${host}, and ${host} is not in control/locals`
  return { outcome: 'failed', status: '5.4.6', text }
}

const noHost: DeliveryResult = {
  outcome: 'deferred',
  status: '4.4.1',
  text: 'The delivery was called off before a host was found',
}
