import ipaddr from 'ipaddr.js'
import type { NetAddress } from '../runtime/net.ts'

/** `127.0.0.1:25`, `[::1]:25`, or the absolute path of a UNIX socket. @returns undefined for anything else */
export function parseListenAddress(text: string): NetAddress | undefined {
  if (text.startsWith('/')) return { path: text }
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) return undefined
  if (bracketed !== undefined && ipaddr.IPv6.isValid(bracketed)) return { host: bracketed, port }
  if (plain !== undefined && ipaddr.IPv4.isValidFourPartDecimal(plain)) return { host: plain, port }
  return undefined
}

/** As it is written in the configuration. */
export function formatListenAddress(address: NetAddress): string {
  if ('path' in address) return address.path
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`
}
