/**
 * Where a recipient's mail goes: the operator's own routes first, then by qmail's order control/locals,
 * control/smtproutes, the mail exchangers of the domain. Asks no name server and touches no disk, so it never fails.
 */
import type { Mailbox } from '../mail/address.ts'
import { asciiDomain, literalAddress } from '../mail/domain.ts'
import type { MaildirRoute, Route, SmtpRoute } from '../mail/route.ts'
import type { DomainTable } from '../formats/domain-table.ts'
import type { RouteTarget } from '../formats/route-target.ts'
import type { SmtpRoutes } from '../formats/smtproutes.ts'
import { folderName } from './folder-name.ts'
import type { Router } from './transport.ts'

/** What the control files say of routes; the getter gives the ones in force now. */
export interface RoutingTables {
  /** Where a recipient without a domain belongs (control/envnoathost). */
  readonly defaultHost: string
  /** Asked with domains in lower case. */
  readonly locals: { has(domain: string): boolean }
  readonly smtpRoutes: SmtpRoutes
  /** Asked with domains in lower case. Absent: none. */
  readonly routes?: DomainTable<RouteTarget>
}

export interface RouterOptions {
  /** Every Maildir lies at `<mailRoot>/<domain>/<local-part>`, named by `folderName`; nothing else is ever written to. */
  readonly mailRoot: string
  readonly tables: () => RoutingTables
}

const smtpPort = 25
const submissionsPort = 465

export function createRouter({ mailRoot, tables }: RouterOptions): Router {
  return {
    async route({ mailbox }): Promise<Route> {
      const { defaultHost, locals, smtpRoutes, routes } = tables()
      const domain = canonicalDomain(mailbox.domain === '' ? defaultHost : mailbox.domain)
      const target = routes?.find(domain)
      if (target !== undefined) return targetRoute(domain, target)
      if (locals.has(domain)) return maildirRoute(mailRoot, { ...mailbox, domain })
      return smtpRoute(domain, smtpRoutes)
    },
  }
}

/** Lower case, A-labels; an address literal as it is. */
export function canonicalDomain(domain: string): string {
  return asciiDomain(domain) || domain.toLowerCase()
}

function targetRoute(domain: string, target: RouteTarget): Route {
  if (target.kind === 'mx') return exchangerRoute(domain)
  if (target.kind === 'lmtp') {
    const { to } = target
    const where = 'path' in to ? to.path : `${to.host}:${to.port}`
    return { transport: 'lmtp', key: `lmtp:${where}`, to }
  }
  const { host, port, implicitTls } = target
  const key = `${implicitTls ? 'smtps' : 'relay'}:${host}:${port}`
  return {
    transport: 'smtp',
    key,
    lookup: 'host',
    host,
    port,
    ...(implicitTls ? { implicitTls } : {}),
  }
}

export function maildirRoute(mailRoot: string, { localPart, domain }: Mailbox): MaildirRoute {
  const folder = `${folderName(domain)}/${folderName(localPart)}`
  return { transport: 'maildir', key: `maildir:${folder}`, path: `${mailRoot}/${folder}` }
}

function smtpRoute(domain: string, routes: SmtpRoutes): SmtpRoute {
  const relay = routes.find(domain)?.relay
  if (relay !== undefined) {
    const { host, port, login } = relay
    // Nobody speaks in the clear first on the port of RFC 8314, but a login may be told not to use TLS at all.
    const implicitTls = port === submissionsPort && login?.withoutTls !== true
    const tls = implicitTls ? { implicitTls } : {}
    const to = { transport: 'smtp', lookup: 'host', host, port, ...tls } as const
    if (login === undefined) return { ...to, key: `relay:${host}:${port}` }
    return { ...to, key: `relay:${login.user}@${host}:${port}`, login }
  }
  return exchangerRoute(domain)
}

function exchangerRoute(domain: string): SmtpRoute {
  const address = literalAddress(domain)
  if (address !== undefined) {
    return {
      transport: 'smtp',
      key: `smtp:${domain}`,
      lookup: 'host',
      host: address,
      port: smtpPort,
    }
  }
  return { transport: 'smtp', key: `smtp:${domain}`, lookup: 'mx', host: domain, port: smtpPort }
}
