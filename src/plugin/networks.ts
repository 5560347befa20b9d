/**
 * Sets of addresses and networks. Every address becomes one text of hexadecimal digits, so that a
 * network is a range of texts, a set of networks a sorted list without overlaps, and asking it a
 * binary search: no look-up depends on how many networks there are by more than a few steps.
 */
import ipaddr from 'ipaddr.js'

/** A set of addresses and networks, IPv4 and IPv6. */
export interface Networks {
  /** `false` for a text that is no address. */
  has(address: string): boolean
  readonly list: readonly string[]
}

interface Range {
  readonly first: string
  readonly last: string
}

/** @returns the set, or the first item that is neither an address nor a network. */
export function parseNetworks(
  list: readonly string[],
):
  | { readonly ok: true; readonly networks: Networks }
  | { readonly ok: false; readonly item: string } {
  const ranges: Range[] = []
  for (const item of list) {
    const range = rangeOf(item)
    if (range === undefined) return { ok: false, item }
    ranges.push(range)
  }
  const merged = mergeRanges(ranges)
  return { ok: true, networks: { list, has: (address) => covers(merged, address) } }
}

/** `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. Bits beyond the prefix do not count. */
function rangeOf(item: string): Range | undefined {
  const slash = item.indexOf('/')
  const address = digitsOf(slash < 0 ? item : item.slice(0, slash))
  if (address === undefined) return undefined
  const bits = (address.length - 1) * 4
  const prefix = slash < 0 ? bits : prefixLength(item.slice(slash + 1), bits)
  if (prefix === undefined) return undefined
  const host = BigInt(bits - prefix)
  const base = (BigInt(`0x${address.slice(1)}`) >> host) << host
  const top = base | ((1n << host) - 1n)
  const text = (value: bigint): string =>
    address.charAt(0) + value.toString(16).padStart(bits / 4, '0')
  return { first: text(base), last: text(top) }
}

function prefixLength(text: string, bits: number): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(text)) return undefined
  const prefix = Number(text)
  return prefix <= bits ? prefix : undefined
}

/** The family (`4` or `6`) and the address in hexadecimal. An IPv4-mapped address is its IPv4 address. */
function digitsOf(address: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return `4${hex(ipaddr.IPv4.parse(address))}`
  if (address.includes('%') || !ipaddr.IPv6.isValid(address)) return undefined
  const parsed = ipaddr.IPv6.parse(address)
  return parsed.isIPv4MappedAddress() ? `4${hex(parsed.toIPv4Address())}` : `6${hex(parsed)}`
}

function hex(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  return Buffer.from(address.toByteArray()).toString('hex')
}

function mergeRanges(ranges: readonly Range[]): readonly Range[] {
  const sorted = ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))
  const merged: Range[] = []
  for (const range of sorted) {
    const previous = merged.at(-1)
    if (previous === undefined || previous.last < range.first) merged.push(range)
    else if (previous.last < range.last) {
      merged.splice(-1, 1, { first: previous.first, last: range.last })
    }
  }
  return merged
}

function covers(ranges: readonly Range[], address: string): boolean {
  if (ranges.length === 0) return false
  const digits = digitsOf(address)
  if (digits === undefined) return false
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle]?.first ?? '') <= digits) low = middle + 1
    else high = middle
  }
  const candidate = ranges[low - 1]
  return candidate !== undefined && digits <= candidate.last
}
