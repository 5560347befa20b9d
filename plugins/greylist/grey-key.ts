import { createHash } from 'node:crypto'
import { clientNetwork, customerNetwork } from 'postern/plugin'

export type KeyMode = 'sender' | 'addresses' | 'network'

/** Longer pairs are kept by a digest of their addresses: what a client sends must not fill the store. */
const longestAddresses = 200

/** The client's /24 or /64, or the address alone. */
export function networkKey(address: string, byAddress: boolean): string {
  return clientNetwork(address, byAddress ? { ipv4: 32, ipv6: 128 } : customerNetwork) ?? address
}

/** All that a domain sends from where its SPF policy says it does: a pool of senders is one client. */
export function domainKey(domain: string): string {
  return `spf:${domain.toLowerCase()}`
}

/** Client, reverse-path and recipient as one key; readable where that is short enough. */
export function pairKey(client: string, reversePath: string, recipient: string): string {
  const addresses = `${untagged(reversePath.toLowerCase())} ${recipient}`
  if (addresses.length <= longestAddresses) return `${client} ${addresses}`
  return `${client} #${createHash('sha256').update(addresses).digest('base64url')}`
}

/** A client whose domain is proven, and a recipient: who writes there is the domain's own affair. */
export function domainPairKey(client: string, recipient: string): string {
  return pairKey(client, '*', recipient)
}

/**
 * Lists send each message from an address of its own (VERP, BATV, SRS): `list-12345-bob=example.org@…`. Runs of digits
 * are one `#`, so that the next message is not a stranger again.
 */
function untagged(reversePath: string): string {
  return reversePath.replace(/\d{3,}/g, '#')
}
