import ipaddr from 'ipaddr.js'
import type { ListenAddress } from '../runtime/net.ts'

/**
 * `127.0.0.1:25`, `[::1]:25`, the path of a UNIX socket (begins with `/`, `./` or `../`), or a socket that whoever
 * starts Postern listens on: `systemd:NAME`, `fd:3`. @returns undefined for anything else
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (/^\.{0,2}\//.test(text)) return { path: text }
  const [, name, number] = /^(?:systemd:([^:\s]{1,255})|fd:([1-9]\d{0,4}))$/.exec(text) ?? []
  if (name !== undefined) return { inherited: name }
  if (number !== undefined) return Number(number) < 3 ? undefined : { inherited: Number(number) }
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) return undefined
  if (bracketed !== undefined && ipaddr.IPv6.isValid(bracketed)) return { host: bracketed, port }
  if (plain !== undefined && ipaddr.IPv4.isValidFourPartDecimal(plain)) return { host: plain, port }
  return undefined
}

/** As it is written in the configuration. */
export function formatListenAddress(address: ListenAddress): string {
  if ('path' in address) return address.path
  if ('inherited' in address) {
    const { inherited } = address
    return typeof inherited === 'number' ? `fd:${inherited}` : `systemd:${inherited}`
  }
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`
}

/** A name server: an address alone, then on port 53, or with a port as above. */
export function isNameServer(text: string): boolean {
  const bare = /^\[([^\]]*)\]$/.exec(text)?.[1] ?? text
  if (ipaddr.IPv6.isValid(bare) || ipaddr.IPv4.isValidFourPartDecimal(text)) return true
  const address = parseListenAddress(text)
  return address !== undefined && 'port' in address
}
