/**
 * Which hosts take the mail of a domain (RFC 5321 §5.1, RFC 7505). The DNS is hostile: however many
 * exchangers a domain names, only the best few are tried. Aliases are the resolver's to follow: an exchanger that is
 * one (against RFC 2181 §10.3) is borne, a loop of them is an answer without data.
 */
import type { MaybePromise } from '../../mail/maybe-promise.ts'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import { isAddressLiteral } from '../../mail/domain.ts'
import { isPosternError } from '../../mail/errors.ts'
import { printable } from '../../mail/reply.ts'
import type { SmtpRoute } from '../../mail/route.ts'
import type { Dns, DnsAnswer, MxRecord } from '../../runtime/dns.ts'
import type { Random } from '../../runtime/random.ts'
import type { Found } from './found.ts'

export interface LookUp {
  readonly dns: Dns
  readonly random: Random
  readonly signal: AbortSignal
}

/** Which addresses of a host are used, and in which order. */
const addressFamilies = ['ipv4-first', 'ipv6-first', 'ipv4', 'ipv6'] as const
export type AddressFamilies = (typeof addressFamilies)[number]

/** Where to go next: its addresses are still to be found. */
export interface NextHost {
  /** A name, or an IP address. */
  readonly name: string
  readonly port: number
  readonly implicitTls?: boolean
}

/** Hosts of one preference. */
export type HostGroup = readonly NextHost[]

const maxHosts = 20

/** The hosts of a route, the best group first, equals in random order. */
export async function hostsOf(
  route: SmtpRoute,
  lookUp: LookUp,
): Promise<Found<readonly HostGroup[]>> {
  if (route.lookup === 'host') {
    const hosts = [route, ...(route.others ?? [])].slice(0, maxHosts)
    return {
      found: hosts.map(({ host, port, implicitTls = false }) => [
        { name: host, port, ...(implicitTls ? { implicitTls } : {}) },
      ]),
    }
  }
  const answer = await asked(route.host, lookUp.dns.mx(route.host, lookUp.signal))
  if (answer.found === undefined) return answer
  const mx = answer.found
  if (mx.answer === 'no-name') return failed('5.1.2', `There is no host named ${route.host}`)
  const { port } = route
  if (mx.answer !== 'found') return { found: [[{ name: route.host, port }]] }
  const real = mx.records.filter(({ exchange }) => exchange !== '' && exchange !== '.')
  if (real.length === 0) return failed('5.1.10', `${route.host} accepts no mail (null MX)`)
  const named = groups(real, lookUp.random)
  return { found: named.map((group) => group.map((name) => ({ name, port }))) }
}

/** Each name once, where it is best; twenty in all. */
function groups(records: readonly MxRecord[], random: Random): readonly (readonly string[])[] {
  const names = new Set<string>()
  const byPreference = new Map<number, string[]>()
  const inOrder = shuffled(records, random).toSorted((a, b) => a.preference - b.preference)
  for (const { exchange, preference } of inOrder) {
    const name = exchange.toLowerCase().replace(/\.$/, '')
    if (names.size === maxHosts || names.has(name)) continue
    names.add(name)
    byPreference.set(preference, [...(byPreference.get(preference) ?? []), name])
  }
  return [...byPreference.values()]
}

/** The addresses of one of those hosts. */
export async function addressesOf(
  host: string,
  route: Pick<SmtpRoute, 'lookup' | 'host'>,
  lookUp: LookUp & { readonly families: AddressFamilies },
): Promise<Found<readonly string[]>> {
  if (isAddress(host)) return { found: [host] }
  const answer = await asked(host, lookUp.dns.addresses(host, lookUp.signal))
  if (answer.found === undefined) return answer
  const all = answer.found.answer === 'found' ? answer.found.records : []
  const usable = inFamilyOrder(all, lookUp.families)
  if (usable.length > 0) return { found: usable }
  // A relay without an address is a mistake of ours, and no reason to send mail back.
  const missing = all.length > 0 ? `address by ${lookUp.families}` : 'address'
  if (route.lookup === 'host') return deferred('4.3.5', `The relay ${host} has no ${missing}`)
  return failed('5.4.4', `No mail exchanger of ${route.host} has an ${missing}`)
}

function isAddress(host: string): boolean {
  return isAddressLiteral(`[${host}]`) || isAddressLiteral(`[IPv6:${host}]`)
}

export function isIpv6(address: string): boolean {
  return address.includes(':')
}

function inFamilyOrder(addresses: readonly string[], families: AddressFamilies): readonly string[] {
  const four = addresses.filter((address) => !isIpv6(address))
  const six = addresses.filter(isIpv6)
  switch (families) {
    case 'ipv4':
      return four
    case 'ipv6':
      return six
    case 'ipv4-first':
      return [...four, ...six]
    case 'ipv6-first':
      return [...six, ...four]
  }
}

async function asked<T>(
  name: string,
  question: MaybePromise<DnsAnswer<T>>,
): Promise<Found<DnsAnswer<T>>> {
  try {
    return { found: await question }
  } catch (error) {
    if (!isPosternError(error)) throw error
    return deferred('4.4.3', `The DNS gives no answer about ${name}: ${printable(error.message)}`)
  }
}

function shuffled(records: readonly MxRecord[], random: Random): MxRecord[] {
  const order = [...records]
  for (let at = order.length - 1; at > 0; at--) {
    const other = random.integer(at + 1)
    const [a, b] = [order[at], order[other]]
    if (a !== undefined && b !== undefined) [order[at], order[other]] = [b, a]
  }
  return order
}

function failed(status: `5.${number}.${number}`, text: string): { result: DeliveryResult } {
  return { result: { outcome: 'failed', status, text } }
}

function deferred(status: `4.${number}.${number}`, text: string): { result: DeliveryResult } {
  return { result: { outcome: 'deferred', status, text } }
}
