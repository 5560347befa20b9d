/**
 * What a page asks for as soon as its script runs. The header of the page names it (RFC 8288, `rel=preload`), so a browser asks
 * while the script is still on its way. It is a hint and no more: what the page asks in other words, it asks itself.
 */
import { apiPrefix } from './api-prefix.ts'

/** By the path of a page without a query. */
const requests: ReadonlyMap<string, readonly string[]> = new Map([
  ['/', ['/now', '/chain']],
  ['/messages', ['/messages?limit=50']],
  ['/queue', ['/queue?limit=50', '/queue/summary', '/queue/pauses']],
  ['/quarantine', ['/quarantine?limit=50']],
  ['/chain', ['/chain']],
  ['/policy', ['/policy/rules']],
  ['/domains', ['/domains']],
  ['/system', ['/system']],
])
/** Pages of one thing, which is asked for by the same path. */
const ofOne = /^\/(?:messages|quarantine)\/[\w.%-]{1,200}$/

/** @param url of a page, as it was asked for. @returns the value of its Link header, if it has one */
export function firstRequestsOf(url: string): string | undefined {
  const paths = ofOne.test(url) ? [url] : requests.get(url)
  return paths
    ?.map((path) => `<${apiPrefix}${path}>; rel=preload; as=fetch; crossorigin`)
    .join(', ')
}
