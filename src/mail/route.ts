import type { Mailbox } from './address.ts'
import type { JsonValue } from './json.ts'
import type { Quota } from './quota.ts'

/** Where a recipient's mail goes next. */
export type Route =
  | MaildirRoute
  | AliasRoute
  | LocalRoute
  | SmtpRoute
  | LmtpRoute
  | QmtpRoute
  | PluginRoute
  | FailRoute

/** Into a Maildir; `key` is what limits and logs group by. */
export interface MaildirRoute {
  readonly transport: 'maildir'
  readonly key: string
  readonly path: string
  /** What it may hold, by `maildirsize`; absent: nothing is counted. */
  readonly quota?: Quota
  /** What becomes of mail that is too much. */
  readonly overQuota?: 'reject' | 'defer'
}

/** On to other addresses, by our own queue; without any, and nothing to keep, it is thrown away. */
export interface AliasRoute {
  readonly transport: 'alias'
  readonly key: string
  readonly to: readonly Mailbox[]
  /** The mailbox of the address itself, which keeps a copy. */
  readonly keep?: MaildirRoute
}

/** To a user of this host, whose .qmail files say what happens (qmail-lspawn.8). Text is one character for each byte. */
export interface LocalRoute {
  readonly transport: 'local'
  readonly key: string
  readonly user: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly dash: string
  readonly extension: string
  /** The local-part, as the virtual domain made it. */
  readonly local: string
  readonly domain: string
}

/** To another SMTP server. `host` is a name or an address literal without brackets. */
export interface SmtpRoute {
  readonly transport: 'smtp'
  readonly key: string
  /** `mx`: find the mail exchangers of `host` (RFC 5321 §5.1). `host`: its addresses only, as smtproutes says. */
  readonly lookup: 'mx' | 'host'
  readonly host: string
  /** With `lookup: host`: those that are tried after it, in this order. */
  readonly others?: readonly RelayHost[]
  readonly port: number
  /** TLS from the first byte (RFC 8314 §3), as on port 465; without it there is no session. */
  readonly implicitTls?: boolean
  /** What smtproutes says to log in with there. */
  readonly login?: RelayLogin
}

/** A host that stands beside the first one of a route. */
export interface RelayHost {
  /** A name or an IP address without brackets. */
  readonly host: string
  readonly port: number
  /** As the route's, for this host. */
  readonly implicitTls?: boolean
}

/** To a local delivery agent by LMTP (RFC 2033), which answers for each recipient. */
export interface LmtpRoute {
  readonly transport: 'lmtp'
  readonly key: string
  /** A name or an IP address without brackets, or the path of a UNIX socket. */
  readonly to: { readonly host: string; readonly port: number } | { readonly path: string }
}

/** To a server that speaks QMTP, all recipients at once. `host` is a name or an address literal without brackets. */
export interface QmtpRoute {
  readonly transport: 'qmtp'
  readonly key: string
  readonly host: string
  /** Those that are tried after it, in this order. */
  readonly others?: readonly RelayHost[]
  readonly port: number
}

/** A login at a relay, for people who may send through it. */
export interface RelayLogin {
  readonly user: string
  readonly password: { reveal(): string }
  /** Log in without TLS too, and do not start it. Otherwise there is no login in the clear. */
  readonly withoutTls: boolean
}

/** Carried by a plugin: by the `deliver` of the entry that is named. */
export interface PluginRoute {
  readonly transport: 'plugin'
  readonly key: string
  /** The entry's name in the chain. */
  readonly entry: string
  /** What the plugin's `route` wants its `deliver` to know. */
  readonly data?: JsonValue
}

/** Nowhere: a permanent failure by configuration. */
export interface FailRoute {
  readonly transport: 'fail'
  readonly key: string
  readonly status: `5.${number}.${number}`
  readonly text: string
}
