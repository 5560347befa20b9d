/** The network that an address belongs to, as one name: what limits, greylists and rates are counted by. */
import ipaddr from 'ipaddr.js'

export interface PrefixLengths {
  /** Bits, 0 to 32. */
  readonly ipv4: number
  /** Bits, 0 to 128. */
  readonly ipv6: number
}

/** A customer's network as providers hand them out: `/24` and `/64`. */
export const customerNetwork: PrefixLengths = Object.freeze({ ipv4: 24, ipv6: 64 })

/** @returns `192.0.2.0/24` or `2001:db8::/64`; undefined where there is no address (a UNIX socket) */
export function clientNetwork(
  address: string,
  { ipv4, ipv6 }: PrefixLengths = customerNetwork,
): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) {
    return `${ipaddr.IPv4.networkAddressFromCIDR(`${address}/${ipv4}`).toString()}/${ipv4}`
  }
  const plain = address.split('%', 1)[0] ?? ''
  if (!ipaddr.IPv6.isValid(plain)) return undefined
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${plain}/${ipv6}`).toString()}/${ipv6}`
}
