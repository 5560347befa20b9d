/**
 * The address part of a tcp.smtp line: its range (`10.0.0-3.`) written out as keys, and, in the extended syntax only, IPv6
 * addresses and networks brought into the one form that look-ups use.
 */
import ipaddr from 'ipaddr.js'
import { canonicalIpv6, networkKey } from './tcprules-networks.ts'

/** The keys that an address stands for (`network`: the one key is a network's), or what is wrong with it. */
export type AddressKeys =
  | { readonly keys: readonly string[]; readonly network?: Network }
  | { readonly remedy: string }

export interface Network {
  readonly family: 'ipv4' | 'ipv6'
  readonly lengthBits: number
}

const BRACKETED = /^([^@=]*@)?\[([^\]]*)\](?:\/(\d{1,3}))?$/
const DOTTED_NETWORK = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/
const IP = /^(?:\d{1,3}\.){3}\d{1,3}$/
const IP_PREFIX = /^(?:\d{1,3}\.){1,3}$/

/** The keys of an address as tcprules understands it. */
export function addressKeys(address: string): AddressKeys {
  const dash = address.indexOf('-')
  if (dash === -1 || /[=@]/.test(address)) return { keys: [address] }
  const left = address.lastIndexOf('.', dash) + 1
  const dot = address.indexOf('.', dash)
  const right = dot === -1 ? address.length : dot
  const low = scanNumber(address.slice(left, dash))
  const high = scanNumber(address.slice(dash + 1, right))
  if (low === undefined || high === undefined) {
    return { remedy: 'a range is two numbers, as in 192.0.2.16-31' }
  }
  const keys: string[] = []
  for (let number = low; number <= high && number <= 255n; number++) {
    keys.push(`${address.slice(0, left)}${number}${address.slice(right)}`)
  }
  return { keys }
}

/** The keys of an address in the extended syntax: `[2001:db8::1]`, `[2001:db8::]/32`, `192.0.2.0/25`, or any old form. */
export function extendedAddressKeys(address: string): AddressKeys {
  const [, info = '', inside, bits] = BRACKETED.exec(address) ?? []
  if (inside !== undefined) return ipv6Keys(info, inside, bits)
  if (/[=@]/.test(address)) return { keys: [address] }
  if (address.startsWith('[')) {
    return { remedy: 'an IPv6 address or network is written [2001:db8::1] or [2001:db8::]/32' }
  }
  return address.includes('/') ? ipv4NetworkKeys(address) : addressKeys(address)
}

/** Whether any client can ever match a key. One that none matches is allowed, but hardly meant. */
export function canMatch(key: string, extended: boolean): boolean {
  const at = key.lastIndexOf('@')
  const address = key.slice(at + 1)
  if (address.startsWith('=') || IP.test(address)) return true
  if (extended && address.startsWith('[')) return true
  return at === -1 && (address === '' || IP_PREFIX.test(address))
}

function ipv4NetworkKeys(address: string): AddressKeys {
  const [, network, length] = DOTTED_NETWORK.exec(address) ?? []
  const lengthBits = Number(length)
  if (network === undefined || !ipaddr.IPv4.isValidFourPartDecimal(network) || lengthBits > 32) {
    return { remedy: 'an IPv4 network is written 192.0.2.0/25, with a length of 0 to 32' }
  }
  const key = networkKey(ipaddr.IPv4.parse(network), lengthBits)
  return { keys: [key], network: { family: 'ipv4', lengthBits } }
}

function ipv6Keys(info: string, inside: string, bits: string | undefined): AddressKeys {
  const address = inside.includes('%') ? undefined : canonicalIpv6(inside)
  if (address === undefined) return { remedy: `[${inside}] is not an IPv6 address` }
  const parsed = ipaddr.IPv6.parse(address)
  if (parsed.isIPv4MappedAddress()) {
    return { remedy: 'an IPv4 client is matched by its dotted address, without brackets' }
  }
  if (bits === undefined) return { keys: [`${info}[${address}]`] }
  if (info !== '') return { remedy: 'a user@ rule takes one address, not a network' }
  const lengthBits = Number(bits)
  if (lengthBits > 128) return { remedy: 'the length of an IPv6 network is 0 to 128' }
  return { keys: [networkKey(parsed, lengthBits)], network: { family: 'ipv6', lengthBits } }
}

/** As scan_ulong on a C string of 64 bits: ends at a NUL, wraps, and takes an empty string for 0. */
function scanNumber(text: string): bigint | undefined {
  const [digits = ''] = text.split('\0', 1)
  return /^\d*$/.test(digits) ? BigInt.asUintN(64, BigInt(digits === '' ? '0' : digits)) : undefined
}
