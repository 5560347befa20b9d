/** Whose Maildir lies where: asked of the router that delivers into it, so that mail is read where it arrives. */
import { join } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { routerWithMailboxes } from '../delivery/mailboxes/mailbox-router.ts'
import { neverAs } from '../delivery/local/as-user.ts'
import { createRouter, maildirRoute } from '../delivery/router.ts'
import type { Mailbox } from '../mail/address.ts'
import type { MailboxPlace, Mailboxes } from '../pop3/mailboxes.ts'
import type { Deliverer } from '../runtime/deliverer.ts'
import type { Log } from '../runtime/log.ts'
import { accountKey, type AccountEntry, type AccountReader } from '../runtime/accounts.ts'
import { findLogin } from '../runtime/find-address.ts'
import type { Programs } from '../runtime/programs.ts'
import type { HostProcess } from '../runtime/process.ts'
import { localMaildrop } from './local-maildrop.ts'
import { mailboxOf } from './login-mailbox.ts'
import type { LocalUsers } from './local-users.ts'
import { routingTables } from './routing-tables.ts'

export interface MailboxesParts {
  readonly current: () => Configuration
  readonly users: Pick<LocalUsers, 'directory'>
  readonly accounts: AccountReader
  readonly process: Pick<HostProcess, 'uid'>
  /** Where root keeps us. */
  readonly deliverer?: Pick<Deliverer, 'maildrop'>
  /** Where we are root ourselves. */
  readonly programs: Pick<Programs, 'run'>
  readonly log: Log
}

export function openMailboxes(parts: MailboxesParts): Mailboxes {
  const { current, users, accounts, process, deliverer, log } = parts
  const tables = () => routingTables(current())

  /** Theirs stays theirs where nothing new comes: where their mail goes on to others, or is no longer taken. */
  async function ownMaildir({ user }: AccountEntry): Promise<MailboxPlace | undefined> {
    const at = user.lastIndexOf('@')
    const domain = user.slice(at + 1)
    if (at < 0 || tables().routes?.find(domain) !== undefined) return undefined
    if ((await accounts.findDomain(domain)) === undefined) return undefined
    const own = { localPart: user.slice(0, at), domain }
    return { path: maildirRoute(current().delivery.maildirs, own).path, comesWithMail: true }
  }

  /** Whom the mailbox belongs to that a login without a domain opens, though another back end knew it. */
  async function ofDefaultHost({ localPart, domain }: Mailbox): Promise<AccountEntry | undefined> {
    if (domain !== '') return undefined
    const own = { localPart, domain: current().control.envNoAtHost }
    return findLogin(accounts, accountKey(accountName(own)))
  }

  return {
    async find(user): Promise<MailboxPlace | undefined> {
      const mailbox = mailboxOf(user)
      if (mailbox === undefined) return undefined
      const account = await findLogin(accounts, accountKey(accountName(mailbox)))
      const barred = [account, await ofDefaultHost(mailbox)].find((each) =>
        each?.flags?.has('no-pop'),
      )
      if (barred !== undefined) {
        log.info('pop3.not-for-this-account', { user: barred.user })
        return undefined
      }
      const own = account && (await ownMaildir(account))
      if (own !== undefined) return own
      const mailRoot = current().delivery.maildirs
      const ours = createRouter({ mailRoot, tables, users: () => users.directory })
      const router = routerWithMailboxes({ accounts, mailRoot, tables }, ours)
      const route = await router.route({ mailbox }, nobodysEnvelope)
      if (route.transport === 'maildir') return { path: route.path, comesWithMail: true }
      // A login without a domain is of the default host, where an alias of the same name may keep a copy.
      if (route.transport === 'alias') {
        return route.keep && { path: route.keep.path, comesWithMail: true }
      }
      if (route.transport !== 'local') return undefined
      const isUsers = route.dash === '' && route.extension === ''
      if (deliverer !== undefined && isUsers) {
        return { talk: (signal) => deliverer.maildrop(user, signal) }
      }
      if (process.uid === 0 && isUsers && neverAs(route) === undefined) {
        const doors = { programs: parts.programs, folder: current().folder }
        return { talk: (signal) => localMaildrop(doors, route, signal) }
      }
      // What lies in the home of another we might read or remove for somebody who only points there.
      if (route.uid !== process.uid || route.uid === 0) {
        log.error('pop3.mailbox-of-another', { user: route.user, uid: route.uid })
        return undefined
      }
      // A part of somebody's address, or the alias of everybody else: the mail in that home is not this login's.
      if (!isUsers) return undefined
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

function accountName({ localPart, domain }: Mailbox): string {
  return domain === '' ? localPart : `${localPart}@${domain}`
}
