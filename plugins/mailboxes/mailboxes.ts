/**
 * Recipients in the domains of `postern domain`: it vouches for those that users, aliases or a catch-all answer for, and
 * refuses all others there. A change counts from the next recipient on.
 */
import {
  accept,
  definePlugin,
  defer,
  findAddress,
  option,
  pass,
  quotaOf,
  reject,
  type AccountReader,
  type Doubt,
  type FoundAddress,
  type PluginDoors,
} from 'postern/plugin'

export const mailboxes = definePlugin({
  name: 'mailboxes',
  summary:
    'Vouches for the users and aliases of `postern domain`, and refuses who is unknown there.',
  vouches: 'local',
  options: {
    quota: option.boolean({
      default: true,
      description: 'Refuse mail for a full mailbox at RCPT; otherwise it bounces.',
    }),
  },
  setup({ quota }, doors) {
    return {
      async rcpt({ transaction, recipient }) {
        const found = await findAddress(doors.accounts, recipient.mailbox)
        switch (found?.kind) {
          case undefined:
            return pass()
          case 'alias':
            return accept({ reason: 'ALIAS', evidence: { targets: found.alias.targets.length } })
          case 'nobody':
            if (transaction.reversePath === null && rewritten.test(recipient.mailbox.localPart)) {
              return pass()
            }
            return found.domain.catchAll === 'bounce'
              ? reject('5.1.1', 'sorry, no mailbox here by that name', { reason: 'NO_MAILBOX' })
              : accept({ reason: 'CATCH_ALL' })
          case 'user':
            return verdictOn(found, {
              room: quota ? doors.mailboxes : undefined,
              sizeBytes: transaction.parameters.sizeBytes ?? 0,
            })
        }
      },
      check: () => doubtsAbout(doors.accounts),
      vouching: async () => {
        const domains = await doors.accounts.listDomains({ limit: mostListed })
        const aliases = await doors.accounts.listDomainAliases({ limit: mostListed })
        return { domains: [...domains, ...aliases].map(({ name }) => name) }
      },
    }
  },
})

/** What SRS makes of a forwarded message's sender: whether a bounce may go there the plugin srs knows, and vouches for it. */
const rewritten = /^srs[01][-+=]/i

interface Load {
  readonly room: PluginDoors['mailboxes']
  readonly sizeBytes: number
}

async function verdictOn(
  { account, domain }: Extract<FoundAddress, { kind: 'user' }>,
  { room, sizeBytes }: Load,
) {
  if (account.flags?.has('no-mail') === true) {
    return reject('5.2.1', 'this mailbox takes no mail', { reason: 'MAILBOX_DISABLED' })
  }
  const isFull = await room?.isFull(account.user, quotaOf(account, domain), sizeBytes)
  if (isFull !== true) return accept({ reason: 'MAILBOX' })
  const text = 'this mailbox is full'
  return domain.overQuota === 'defer'
    ? defer('4.2.2', text, { reason: 'OVER_QUOTA' })
    : reject('5.2.2', text, { reason: 'OVER_QUOTA' })
}

const looksAt = 1000
const mostListed = 100_000
const mostNamed = 5

/** RFC 5321 §4.5.1: every domain has a postmaster. */
async function doubtsAbout(accounts: AccountReader): Promise<readonly Doubt[]> {
  const missing: string[] = []
  for (const { name } of await accounts.listDomains({ limit: looksAt })) {
    // oxlint-disable-next-line no-await-in-loop -- a file of our own, asked while nobody waits
    const found = await findAddress(accounts, { localPart: 'postmaster', domain: name })
    if (found?.kind === 'nobody' && found.domain.catchAll === 'bounce') missing.push(name)
  }
  if (missing.length === 0) return []
  const named = missing.slice(0, mostNamed).join(', ')
  return [
    {
      problem: `nobody is postmaster of ${named}${missing.length > mostNamed ? ' and others' : ''}`,
      remedy: 'for each of them: postern alias add postmaster@DOMAIN somebody@DOMAIN',
      code: 'no-postmaster',
    },
  ]
}
