import ipaddr from 'ipaddr.js'

/** Leading bits that are one network: what one customer is commonly given. */
export interface NetworkBits {
  readonly ipv4: number
  readonly ipv6: number
}

/** A name for the network that an address lies in, the same for all of its addresses; `undefined` where it is no address. */
export function clientNetwork(address: string, { ipv4, ipv6 }: NetworkBits): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) {
    return named(ipaddr.IPv4.parse(address).toByteArray(), ipv4)
  }
  if (!ipaddr.IPv6.isValid(address)) return undefined
  return named(ipaddr.IPv6.parse(address).toByteArray(), ipv6)
}

function named(bytes: readonly number[], bits: number): string {
  const masked = bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8))
    return byte & (0xff00 >> kept)
  })
  return `${Buffer.from(masked).toString('hex')}/${bits}`
}
