/** The names that lists of domains are asked for: registrable domains (Public Suffix List), IPv4 addresses turned round. */
import { contentOf, decodeText, type Message, type MimePart, type MimeTree } from 'postern/plugin'
import { getDomain } from 'tldts'
import ipaddr from 'ipaddr.js'
import { reversedAddress } from '../shared/dns-list/dns-list.ts'
import { linkedHosts } from './links.ts'

/** What is linked to, and the name that lists know it by. */
export interface LinkName {
  readonly domain: string
  readonly name: string
}

/** @returns `undefined` for what no list holds: names without a suffix, IPv6 addresses */
export function linkNameOf(host: string): LinkName | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(host)) {
    const name = reversedAddress(host)
    return name === undefined ? undefined : { domain: host, name }
  }
  // Whoever has a blog at a host of blogs is asked about, not the host.
  const domain = getDomain(host, { allowPrivateDomains: true })
  return domain === null ? undefined : { domain, name: domain }
}

/** Decoded text is read up to `maxBytes` for all parts together. @throws PosternError DISK_FAILED, ABORTED */
export async function linkNamesIn(
  message: Message,
  tree: MimeTree,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<readonly LinkName[]> {
  const names = new Map<string, LinkName>()
  const seen = new Set<string>()
  let left = maxBytes
  for (const part of tree.readings.flatMap(({ parts }) => parts)) {
    for (const encoding of part.encodings) {
      const key = `${part.bodyRange.offset} ${part.bodyRange.length} ${encoding} ${part.type}`
      if (!isText(part) || left <= 0 || seen.size === seen.add(key).size) continue
      signal.throwIfAborted()
      const bytes = await contentOf(message, part, { encoding, maxBytes: left })
      left -= bytes.length
      const text = decodeText(bytes, part.charset)
      for (const host of linkedHosts(text, part.type !== 'text/plain')) {
        const name = linkNameOf(host)
        if (name !== undefined) names.set(name.name, name)
      }
    }
  }
  return [...names.values()]
}

function isText({ type, container }: MimePart): boolean {
  return (
    !container &&
    (type === 'text/plain' || type === 'text/html' || type === 'application/xhtml+xml')
  )
}
