/**
 * What a page asks for as soon as its script runs. The header of the page names it (RFC 8288, `rel=preload`), so a browser asks
 * while the script is still on its way. It is a hint and no more: what the page asks in other words, it asks itself.
 */
import { apiPrefix } from './api-prefix.ts'
import type { Permission } from './permissions.ts'

interface FirstRequests {
  /** Whoever has it not would ask in vain. */
  readonly permission: Permission
  readonly paths: readonly string[]
}

/** By the path of a page without a query. */
const requests: ReadonlyMap<string, readonly FirstRequests[]> = new Map([
  [
    '/',
    [
      { permission: 'queue:read', paths: ['/now'] },
      { permission: 'chain:read', paths: ['/chain'] },
    ],
  ],
  ['/messages', [{ permission: 'messages:read', paths: ['/messages?limit=50'] }]],
  [
    '/queue',
    [{ permission: 'queue:read', paths: ['/queue?limit=50', '/queue/summary', '/queue/pauses'] }],
  ],
  ['/quarantine', [{ permission: 'quarantine:read', paths: ['/quarantine?limit=50'] }]],
  ['/chain', [{ permission: 'chain:read', paths: ['/chain'] }]],
  ['/policy', [{ permission: 'policy:read', paths: ['/policy/rules'] }]],
  ['/domains', [{ permission: 'accounts:read', paths: ['/domains'] }]],
  ['/system', [{ permission: 'system:read', paths: ['/system'] }]],
])
/** Pages of one thing, which is asked for by the same path. */
const ofOne = /^\/(messages|quarantine)\/[\w.%-]{1,200}$/

/**
 * @param url of a page, as it was asked for
 * @param may what whoever asks may do: nobody is told what they may not ask
 * @returns the value of its Link header, if it has one
 */
export function firstRequestsOf(url: string, may: ReadonlySet<Permission>): string | undefined {
  const paths = requestsOf(url).flatMap(({ permission, paths: each }) =>
    may.has(permission) ? each : [],
  )
  if (paths.length === 0) return undefined
  return paths.map((path) => `<${apiPrefix}${path}>; rel=preload; as=fetch; crossorigin`).join(', ')
}

function requestsOf(url: string): readonly FirstRequests[] {
  const [, what] = ofOne.exec(url) ?? []
  if (what === undefined) return requests.get(url) ?? []
  return [{ permission: what === 'messages' ? 'messages:read' : 'quarantine:read', paths: [url] }]
}
