/**
 * Routes of addresses in domains of accounts.db: into a Maildir, on to others, or to nobody. Where `delivery.routes` names
 * such a domain, another program has the mailboxes, and that route counts.
 */
import { parseMailbox, type Mailbox } from '../../mail/address.ts'
import { addressKey, type MailDomain } from '../../mail/mail-domain.ts'
import type { AliasRoute, FailRoute, MaildirRoute, Route } from '../../mail/route.ts'
import type { AccountEntry, AccountReader } from '../../runtime/accounts.ts'
import { findAddress, quotaOf, type FoundAddress } from '../../runtime/find-address.ts'
import { canonicalDomain, maildirRoute, type RouterOptions } from '../router.ts'
import type { Router } from '../transport.ts'
import { expandAlias } from './expand-alias.ts'

export interface MailboxRouterOptions extends RouterOptions {
  readonly accounts: AccountReader
}

/** Asks accounts.db, then `next` for what is in no domain of it. Throws where that cannot be read: the courier defers. */
export function routerWithMailboxes(options: MailboxRouterOptions, next: Router): Router {
  const { accounts, mailRoot, tables } = options

  function maildirOf(account: AccountEntry, domain: MailDomain): MaildirRoute {
    const localPart = account.user.slice(0, account.user.lastIndexOf('@'))
    const route = maildirRoute(mailRoot, { localPart, domain: domain.name })
    return { ...route, quota: quotaOf(account, domain), overQuota: domain.overQuota }
  }

  async function aliasRoute(
    found: Extract<FoundAddress, { kind: 'alias' }>,
  ): Promise<AliasRoute | FailRoute> {
    const key = `alias:${found.alias.address}`
    const expansion = await expandAlias(accounts, found.alias)
    if (expansion === 'loop') {
      return fail(key, '5.4.6', 'This alias leads back to itself and to nobody else')
    }
    if (expansion === 'too much') {
      return fail(key, '5.3.5', 'This alias leads to too many addresses, or too far')
    }
    const { to, own } = expansion
    if (own !== undefined && isBarred(own) && to.length === 0) return takesNoMail(own)
    const keep = own === undefined || isBarred(own) ? {} : { keep: maildirOf(own, found.domain) }
    return { transport: 'alias', key, to, ...keep }
  }

  return {
    async route(recipient, envelope): Promise<Route> {
      const { defaultHost, routes } = tables()
      const { mailbox } = recipient
      const domain = canonicalDomain(mailbox.domain === '' ? defaultHost : mailbox.domain)
      const found =
        routes?.find(domain) === undefined
          ? await findAddress(accounts, { ...mailbox, domain })
          : undefined
      switch (found?.kind) {
        case undefined:
          return next.route(recipient, envelope)
        case 'user':
          return isBarred(found.account)
            ? takesNoMail(found.account)
            : maildirOf(found.account, found.domain)
        case 'alias':
          return aliasRoute(found)
        case 'nobody':
          return catchAllRoute(found.domain, { ...mailbox, domain })
      }
    },
  }
}

function isBarred({ flags }: AccountEntry): boolean {
  return flags?.has('no-mail') === true
}

function takesNoMail({ user }: AccountEntry): FailRoute {
  return fail(`mailbox:${user}`, '5.2.1', 'This mailbox takes no mail')
}

function catchAllRoute({ catchAll, name }: MailDomain, mailbox: Mailbox): Route {
  if (catchAll === 'bounce') {
    return fail(`mailbox:@${name}`, '5.1.1', 'Sorry, no mailbox here by that name.')
  }
  const key = `alias:${addressKey(mailbox)}`
  if (catchAll === 'delete') return { transport: 'alias', key, to: [] }
  const to = parseMailbox(catchAll.to, { smtputf8: true })
  if (to === undefined || addressKey(to) === addressKey(mailbox)) {
    return fail(key, '5.1.1', 'Sorry, no mailbox here by that name.')
  }
  return { transport: 'alias', key, to: [to] }
}

function fail(key: string, status: FailRoute['status'], text: string): FailRoute {
  return { transport: 'fail', key, status, text }
}
