/**
 * The names of an address by DNS, and which of them leads back to it (forward-confirmed reverse DNS): whoever owns an
 * address may give it any name, so only a name whose own addresses hold the address says something.
 */
import ipaddr from 'ipaddr.js'
import { isDomain } from '../mail/domain.ts'
import { isPosternError } from '../mail/errors.ts'
import type { Dns } from './dns.ts'

export interface AddressNames {
  /** In lower case, without the dot at the end; names that are none are left out. */
  readonly names: readonly string[]
  /** The first of them that leads back. */
  readonly confirmed?: string
}

/** An address may have any number of names; so many are looked up. */
const namesTried = 5

/** @throws PosternError DNS_FAILED where nobody can say, ABORTED */
export async function addressNames(
  dns: Pick<Dns, 'reverse' | 'addresses'>,
  address: string,
  signal: AbortSignal,
): Promise<AddressNames> {
  const answer = await dns.reverse(address, signal)
  if (answer.answer !== 'found') return { names: [] }
  const names = [...new Set(answer.records.map(plain))]
    .filter((name) => isDomain(name))
    .slice(0, namesTried)
  const wanted = canonical(address)
  let failure: unknown
  for (const name of names) {
    try {
      const back = await dns.addresses(name, signal)
      if (back.answer === 'found' && back.records.some((each) => canonical(each) === wanted)) {
        return { names, confirmed: name }
      }
    } catch (error) {
      if (!isPosternError(error, 'DNS_FAILED')) throw error
      failure = error
    }
  }
  // A name that could not be looked up might have been the one.
  if (failure !== undefined) throw failure
  return { names }
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

function canonical(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : address
}
