/**
 * Where a recipient's mail goes: the operator's own routes first, then by qmail's order control/locals,
 * control/virtualdomains, control/qmtproutes, control/smtproutes, the mail exchangers of the domain. Asks no name server, and no disk but for
 * the users of this host.
 */
import type { Mailbox } from '../mail/address.ts'
import { asciiDomain, literalAddress } from '../mail/domain.ts'
import { noDomain } from '../mail/no-mailbox.ts'
import type {
  FailRoute,
  LmtpRoute,
  LocalRoute,
  MaildirRoute,
  QmtpRoute,
  RelayHost,
  Route,
  SmtpRoute,
} from '../mail/route.ts'
import type { VirtualDomains } from '../formats/control-domains.ts'
import type { DomainTable } from '../formats/domain-table.ts'
import { utf8Octets } from '../formats/octets.ts'
import { withoutPercentSigns } from '../formats/percent-hack.ts'
import type { RouteTarget } from '../formats/route-target.ts'
import type { SmtpRoutes } from '../formats/smtproutes.ts'
import { folderName } from './folder-name.ts'
import type { UserDirectory } from './local/user-directory.ts'
import type { Router } from './transport.ts'

/** What the control files say of routes; the getter gives the ones in force now. */
export interface RoutingTables {
  /** Where a recipient without a domain belongs (control/envnoathost). */
  readonly defaultHost: string
  /** Asked with domains in lower case. */
  readonly locals: { has(domain: string): boolean }
  /** Where `user%host@domain` means `user@host` (control/percenthack). Absent: nowhere. */
  readonly percentHack?: ReadonlySet<string>
  /** Asked only where mail for this host goes to its users. */
  readonly virtualDomains?: VirtualDomains
  readonly smtpRoutes: SmtpRoutes
  /** Before those; absent: none. */
  readonly qmtpRoutes?: SmtpRoutes
  /** Asked with domains in lower case. Absent: none. */
  readonly routes?: DomainTable<RouteTarget>
}

export interface RouterOptions {
  /** Every Maildir lies at `<mailRoot>/<domain>/<local-part>`, named by `folderName`; nothing else is ever written to. */
  readonly mailRoot: string
  readonly tables: () => RoutingTables
  /** Where mail for this host goes to its users and their .qmail files, instead of Maildirs below `mailRoot`. */
  readonly users?: () => UserDirectory | undefined
}

const smtpPort = 25
const submissionsPort = 465

export function createRouter({ mailRoot, tables, users }: RouterOptions): Router {
  return {
    async route({ mailbox }): Promise<Route> {
      const inForce = tables()
      const { defaultHost, locals, percentHack, virtualDomains, routes } = inForce
      if (mailbox.domain === noDomain) return nowhere(mailbox, locals)
      const written = canonicalDomain(mailbox.domain === '' ? defaultHost : mailbox.domain)
      const directory = users?.()
      const prefixOf = (found: Mailbox): string =>
        directory === undefined
          ? ''
          : (virtualDomains?.find(`${found.localPart}@${found.domain}`)?.prefix ?? '')
      const meant = meantMailbox(
        { ...mailbox, domain: written },
        percentHack,
        (found) => locals.has(found.domain) || prefixOf(found) !== '',
      )
      const { localPart, domain } = meant
      const target = routes?.find(domain)
      if (target !== undefined) return targetRoute(domain, target)
      if (locals.has(domain)) {
        return directory === undefined ? maildirRoute(mailRoot, meant) : userRoute(directory, meant)
      }
      const prefix = prefixOf(meant)
      if (directory !== undefined && prefix !== '') {
        return userRoute(directory, { localPart: `${prefix}-${localPart}`, domain })
      }
      return routeElsewhere(domain, inForce)
    },
  }
}

/** A percent sign leads to whom this host has mail for, and never to somebody else: nobody relays by it. */
function meantMailbox(
  mailbox: Mailbox,
  percentHack: ReadonlySet<string> | undefined,
  isOurs: (meant: Mailbox) => boolean,
): Mailbox {
  if (percentHack === undefined || !mailbox.localPart.includes('%')) return mailbox
  const found = withoutPercentSigns(mailbox, percentHack)
  if (found === undefined || found === mailbox) return mailbox
  const meant = { localPart: found.localPart, domain: canonicalDomain(found.domain) }
  return isOurs(meant) ? meant : mailbox
}

/** Where mail for a domain goes that neither `routes` nor this host takes. */
export function routeElsewhere(
  domain: string,
  { qmtpRoutes, smtpRoutes }: Pick<RoutingTables, 'qmtpRoutes' | 'smtpRoutes'>,
): SmtpRoute | QmtpRoute {
  const server = qmtpRoutes?.find(domain)?.relay
  return server === undefined ? smtpRoute(domain, smtpRoutes) : qmtpRoute(server)
}

/** Lower case, A-labels; an address literal as it is. */
export function canonicalDomain(domain: string): string {
  return asciiDomain(domain) || domain.toLowerCase()
}

/** Where `routes` says that mail for a domain goes. */
export function targetRoute(
  domain: string,
  target: RouteTarget,
): SmtpRoute | LmtpRoute | QmtpRoute {
  if (target.kind === 'mx') return exchangerRoute(domain)
  if (target.kind === 'lmtp') {
    const { to } = target
    const where = 'path' in to ? to.path : `${to.host}:${to.port}`
    return { transport: 'lmtp', key: `lmtp:${where}`, to }
  }
  if (target.kind === 'qmtp') return qmtpRoute(target)
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

function qmtpRoute({ host, others, port }: QmtpServer): QmtpRoute {
  const key = `qmtp:${hopsName({ host, port }, others)}`
  return { transport: 'qmtp', key, host, ...(others === undefined ? {} : { others }), port }
}

type QmtpServer = Pick<QmtpRoute, 'host' | 'others' | 'port'>

/** `a,b:25` where all have one port, else `a:25,b:26`. */
function hopsName(first: RelayHost, others: readonly RelayHost[] = []): string {
  const hops = [first, ...others]
  return hops.every(({ port }) => port === first.port)
    ? `${hops.map(({ host }) => host).join(',')}:${first.port}`
    : hops.map(({ host, port }) => `${host}:${port}`).join(',')
}

export function maildirRoute(mailRoot: string, { localPart, domain }: Mailbox): MaildirRoute {
  const folder = `${folderName(domain)}/${folderName(localPart)}`
  return { transport: 'maildir', key: `maildir:${folder}`, path: `${mailRoot}/${folder}` }
}

async function userRoute(
  directory: UserDirectory,
  { localPart, domain }: Mailbox,
): Promise<LocalRoute | FailRoute> {
  const local = utf8Octets(localPart)
  const key = `local:${local}@${domain}`
  const found = await directory.find(local)
  if (found === undefined) return { transport: 'fail', key, ...nobody }
  const { user, uid, gid, home, dash, extension } = found
  const to = { user, uid, gid, home, dash, extension }
  return { transport: 'local', key, ...to, local, domain }
}

/** What is no mail address; at a domain of ours it is nobody's, as every other that we do not know. */
function nowhere({ localPart }: Mailbox, locals: RoutingTables['locals']): FailRoute {
  const isOurs = locals.has(localPart.slice(localPart.lastIndexOf('@') + 1).toLowerCase())
  const route = { transport: 'fail', key: 'fail:no address' } as const
  if (isOurs) return { ...route, ...nobody }
  return { ...route, status: '5.1.3', text: 'Sorry, this is no mail address.' }
}

const nobody = { status: '5.1.1', text: 'Sorry, no mailbox here by that name.' } as const

function smtpRoute(domain: string, routes: SmtpRoutes): SmtpRoute {
  const relay = routes.find(domain)?.relay
  if (relay !== undefined) {
    const { host, others, port, login } = relay
    // Nobody speaks in the clear first on the port of RFC 8314, but a login may be told not to use TLS at all.
    const withTls = (hop: RelayHost): RelayHost =>
      hop.port === submissionsPort && login?.withoutTls !== true
        ? { ...hop, implicitTls: true }
        : hop
    const more = others === undefined ? {} : { others: others.map(withTls) }
    const to = { transport: 'smtp', lookup: 'host', ...withTls({ host, port }), ...more } as const
    const hops = hopsName({ host, port }, others)
    if (login === undefined) return { ...to, key: `relay:${hops}` }
    return { ...to, key: `relay:${login.user}@${hops}`, login }
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
