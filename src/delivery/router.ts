/**
 * Where a recipient's mail goes, by qmail's order: control/locals first, then control/smtproutes, then
 * the mail exchangers of the domain. Asks no name server and touches no disk, so it never fails.
 */
import type { Mailbox } from '../mail/address.ts'
import { asciiDomain, literalAddress } from '../mail/domain.ts'
import type { MaildirRoute, Route, SmtpRoute } from '../mail/route.ts'
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
}

export interface RouterOptions {
  /** Every Maildir lies at `<mailRoot>/<domain>/<local-part>`, named by `folderName`; nothing else is ever written to. */
  readonly mailRoot: string
  readonly tables: () => RoutingTables
}

const smtpPort = 25

export function createRouter({ mailRoot, tables }: RouterOptions): Router {
  return {
    async route({ mailbox }): Promise<Route> {
      const { defaultHost, locals, smtpRoutes } = tables()
      const domain = canonical(mailbox.domain === '' ? defaultHost : mailbox.domain)
      if (locals.has(domain)) return maildirRoute(mailRoot, { ...mailbox, domain })
      return smtpRoute(domain, smtpRoutes)
    },
  }
}

/** Lower case, A-labels; an address literal as it is. */
function canonical(domain: string): string {
  return asciiDomain(domain) || domain.toLowerCase()
}

function maildirRoute(mailRoot: string, { localPart, domain }: Mailbox): MaildirRoute {
  const folder = `${folderName(domain)}/${folderName(localPart)}`
  return { transport: 'maildir', key: `maildir:${folder}`, path: `${mailRoot}/${folder}` }
}

function smtpRoute(domain: string, routes: SmtpRoutes): SmtpRoute {
  const relay = routes.find(domain)?.relay
  if (relay !== undefined) {
    const { host, port, login } = relay
    const to = { transport: 'smtp', lookup: 'host', host, port } as const
    if (login === undefined) return { ...to, key: `relay:${host}:${port}` }
    return { ...to, key: `relay:${login.user}@${host}:${port}`, login }
  }
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
