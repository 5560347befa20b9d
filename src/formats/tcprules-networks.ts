/**
 * Networks among the keys of tcp.smtp rules: `192.0.2.0/25`, `[2001:db8::]/32`. A look-up asks for the network of the client
 * once for each length that some rule has; a compiled cdb therefore names its lengths in a record of its own, whose key `/`
 * no rule can have. A cdb of the original tcprules has none, and costs nothing.
 */
import ipaddr from 'ipaddr.js'

/** The lengths, in bits, of the networks that rules name; the longest first. */
export interface NetworkLengths {
  readonly ipv4: readonly number[]
  readonly ipv6: readonly number[]
}

export const noNetworks: NetworkLengths = { ipv4: [], ipv6: [] }
export const NETWORK_LENGTHS_KEY = '/'

const LENGTHS = /^\+(ipv4|ipv6)=(\d{1,3}(?: \d{1,3}){0,128})$/

/** An address in its one form (RFC 5952), without a zone; undefined where it is no IPv6 address. */
export function canonicalIpv6(text: string): string | undefined {
  const [address = ''] = text.split('%', 1)
  return ipaddr.IPv6.isValid(address) ? ipaddr.IPv6.parse(address).toRFC5952String() : undefined
}

/** The key of the network of `lengthBits` that `address` lies in. */
export function networkKey(address: ipaddr.IPv4 | ipaddr.IPv6, lengthBits: number): string {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, lengthBits - index * 8))
    return byte & (0xff << (8 - kept)) & 0xff
  })
  if (bytes.length === 4) return `${bytes.join('.')}/${lengthBits}`
  return `[${new ipaddr.IPv6(bytes).toRFC5952String()}]/${lengthBits}`
}

/** The networks that an address lies in, the longest first, as keys. What is no address lies in none. */
export function* networkKeys(ip: string, lengths: NetworkLengths): Generator<string, void> {
  const wanted = ip.includes(':') ? lengths.ipv6 : lengths.ipv4
  if (wanted.length === 0) return
  const address = parse(ip)
  if (address === undefined) return
  for (const length of wanted) yield networkKey(address, length)
}

export function networkLengths(ipv4: Iterable<number>, ipv6: Iterable<number>): NetworkLengths {
  return { ipv4: descending(ipv4), ipv6: descending(ipv6) }
}

/** The data of the record under `NETWORK_LENGTHS_KEY`; undefined where no record is needed. */
export function formatNetworkLengths({ ipv4, ipv6 }: NetworkLengths): string | undefined {
  const items = [
    ...(ipv4.length > 0 ? [`+ipv4=${ipv4.join(' ')}\0`] : []),
    ...(ipv6.length > 0 ? [`+ipv6=${ipv6.join(' ')}\0`] : []),
  ]
  return items.length > 0 ? items.join('') : undefined
}

/** Reads that data; anything else (the original tcprules lets a rule be called `/`) names no lengths. */
export function parseNetworkLengths(data: string): NetworkLengths {
  const found = { ipv4: new Set<number>(), ipv6: new Set<number>() }
  for (const item of data.split('\0')) {
    const [, family, list = ''] = LENGTHS.exec(item) ?? []
    if (family !== 'ipv4' && family !== 'ipv6') continue
    const longest = family === 'ipv4' ? 32 : 128
    for (const length of list.split(' ').map(Number))
      if (length <= longest) found[family].add(length)
  }
  return networkLengths(found.ipv4, found.ipv6)
}

function parse(ip: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ip.includes(':')) return ipaddr.IPv6.isValid(ip) ? ipaddr.IPv6.parse(ip) : undefined
  return ipaddr.IPv4.isValidFourPartDecimal(ip) ? ipaddr.IPv4.parse(ip) : undefined
}

function descending(lengths: Iterable<number>): readonly number[] {
  return [...new Set(lengths)].sort((a, b) => b - a)
}
