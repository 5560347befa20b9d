/** Whose Maildir lies where: asked of the router that delivers into it, so that mail is read where it arrives. */
import { join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { routerWithMailboxes } from '../delivery/mailboxes/mailbox-router.ts'
import { createRouter } from '../delivery/router.ts'
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import type { MailboxPlace, Mailboxes } from '../pop3/mailboxes.ts'
import type { Log } from '../runtime/log.ts'
import { accountKey, type AccountReader } from '../runtime/accounts.ts'
import { findLogin } from '../runtime/find-address.ts'
import type { HostProcess } from '../runtime/process.ts'
import type { LocalUsers } from './local-users.ts'
import { routingTables } from './routing-tables.ts'

export interface MailboxesParts {
  readonly current: () => Configuration
  readonly users: Pick<LocalUsers, 'directory'>
  readonly accounts: AccountReader
  readonly process: Pick<HostProcess, 'uid'>
  readonly log: Log
}

export function openMailboxes(parts: MailboxesParts): Mailboxes {
  const { current, users, accounts, process, log } = parts
  const tables = () => routingTables(current())
  return {
    async find(user): Promise<MailboxPlace | undefined> {
      const mailbox = mailboxOf(user)
      if (mailbox === undefined) return undefined
      const account = await findLogin(accounts, accountKey(accountName(mailbox)))
      if (account?.flags?.has('no-pop') === true) {
        log.info('pop3.not-for-this-account', { user: account.user })
        return undefined
      }
      const mailRoot = current().delivery.maildirs
      const ours = createRouter({ mailRoot, tables, users: () => users.directory })
      const router = routerWithMailboxes({ accounts, mailRoot, tables }, ours)
      const route = await router.route({ mailbox }, nobodysEnvelope)
      if (route.transport === 'maildir') return { path: route.path, comesWithMail: true }
      // An alias of the same name may keep a copy.
      if (route.transport === 'alias') {
        return route.keep && { path: route.keep.path, comesWithMail: true }
      }
      if (route.transport !== 'local') return undefined
      // What lies in the home of another we might read or remove for somebody who only points there.
      if (route.uid !== process.uid || route.uid === 0) {
        log.error('pop3.mailbox-of-another', { user: route.user, uid: route.uid })
        return undefined
      }
      // A part of somebody's address, or the alias of everybody else: the mail in that home is not this login's.
      if (route.dash !== '' || route.extension !== '') return undefined
      return { path: join(route.home, 'Maildir'), comesWithMail: false }
    },
  }
}

/** Nobody sends anything here: routes by address do not ask. */
const nobodysEnvelope = {
  reversePath: null,
  recipients: [],
  bodyType: '7bit',
  smtputf8: false,
  requireTls: false,
} as const

/** `bob@example.org`; vpopmail's clients also write `bob%example.org`; `bob` belongs to the host itself. */
function mailboxOf(user: string): Mailbox | undefined {
  const at = user.includes('@') ? user : user.replace(/%(?=[^%]*$)/, '@')
  if (!at.includes('@')) return at === '' ? undefined : { localPart: at, domain: '' }
  return parseMailbox(at, { smtputf8: true })
}

function accountName({ localPart, domain }: Mailbox): string {
  return domain === '' ? localPart : `${localPart}@${domain}`
}
