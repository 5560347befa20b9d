/**
 * Which hosts take the mail of a domain (RFC 5321 §5.1, RFC 7505). The DNS is hostile: however many
 * exchangers a domain names, only the best few are tried.
 */
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import { isAddressLiteral } from '../../mail/domain.ts'
import { isPosternError } from '../../mail/errors.ts'
import { printable } from '../../mail/reply.ts'
import type { SmtpRoute } from '../../mail/route.ts'
import type { Dns, DnsAnswer, MxRecord } from '../../runtime/dns.ts'
import type { Random } from '../../runtime/random.ts'

export interface LookUp {
  readonly dns: Dns
  readonly random: Random
  readonly signal: AbortSignal
}

/** Something was found, or this is the result of every recipient. */
export type Found<T> =
  | { readonly found: T; readonly result?: never }
  | { readonly found?: never; readonly result: DeliveryResult }

const maxHosts = 20

/** The hosts of a route, best first, equals in random order: names, or one IP address. */
export async function hostsOf(route: SmtpRoute, lookUp: LookUp): Promise<Found<readonly string[]>> {
  if (route.lookup === 'host') return { found: [route.host] }
  const answer = await asked(route.host, lookUp.dns.mx(route.host, lookUp.signal))
  if (answer.found === undefined) return answer
  const mx = answer.found
  if (mx.answer === 'no-name') return failed('5.1.2', `There is no host named ${route.host}`)
  if (mx.answer !== 'found') return { found: [route.host] }
  const real = mx.records.filter(({ exchange }) => exchange !== '' && exchange !== '.')
  if (real.length === 0) return failed('5.1.10', `${route.host} accepts no mail (null MX)`)
  const names = shuffled(real, lookUp.random)
    .toSorted((a, b) => a.preference - b.preference)
    .map(({ exchange }) => exchange.toLowerCase())
  return { found: [...new Set(names)].slice(0, maxHosts) }
}

/** The addresses of one of those hosts. */
export async function addressesOf(
  host: string,
  route: SmtpRoute,
  lookUp: LookUp,
): Promise<Found<readonly string[]>> {
  if (isAddress(host)) return { found: [host] }
  const answer = await asked(host, lookUp.dns.addresses(host, lookUp.signal))
  if (answer.found === undefined) return answer
  if (answer.found.answer === 'found') return { found: answer.found.records }
  // A relay without an address is a mistake of ours, and no reason to send mail back.
  if (route.lookup === 'host') return deferred('4.3.5', `The relay ${host} has no address`)
  return failed('5.4.4', `No mail exchanger of ${route.host} has an address`)
}

function isAddress(host: string): boolean {
  return isAddressLiteral(`[${host}]`) || isAddressLiteral(`[IPv6:${host}]`)
}

async function asked<T>(
  name: string,
  question: Promise<DnsAnswer<T>>,
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
