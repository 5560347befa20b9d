/**
 * Recipients in the domains of `postern domain`: it vouches for those that users, aliases or a catch-all answer for, and
 * refuses all others there. A change counts from the next recipient on.
 */
import {
  accept,
  definePlugin,
  defer,
  findAddress,
  isDeadEnd,
  parseMailbox,
  option,
  pass,
  quotaOf,
  reject,
  type AccountReader,
  type Doubt,
  type FoundAddress,
  type Mailbox,
  type PluginDoors,
  type Recipient,
  type Transaction,
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
    dead_ends: option.boolean({
      default: true,
      description:
        'Refuse mail for an alias that leads to nobody; not where delivery.routes or a plugin takes mail for its targets.',
    }),
  },
  setup({ quota, dead_ends: refusesDeadEnds }, doors) {
    const leadsToNobody = async (mailbox: Mailbox): Promise<boolean> =>
      refusesDeadEnds && isDeadEnd(doors.accounts, mailbox)
    return {
      async rcpt({ transaction, recipient }) {
        const found = await findAddress(doors.accounts, recipient.mailbox)
        switch (found?.kind) {
          case undefined:
            return pass()
          case 'alias':
            return (await leadsToNobody(recipient.mailbox))
              ? reject('5.1.1', 'sorry, this address leads to nobody', { reason: 'DEAD_END' })
              : accept({ reason: 'ALIAS', evidence: { targets: found.alias.targets.length } })
          case 'nobody':
            if (found.domain.catchAll === 'bounce' && isForSrs(transaction, recipient))
              return pass()
            return found.domain.catchAll === 'bounce' || (await leadsToNobody(recipient.mailbox))
              ? reject('5.1.1', 'sorry, no mailbox here by that name', { reason: 'NO_MAILBOX' })
              : accept({ reason: 'CATCH_ALL' })
          case 'user':
            return verdictOn(found, {
              room: quota ? doors.mailboxes : undefined,
              sizeBytes: transaction.parameters.sizeBytes ?? 0,
            })
        }
      },
      check: async () => [
        ...(await withoutPostmaster(doors.accounts)),
        ...(refusesDeadEnds ? await deadEnds(doors.accounts) : []),
      ],
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

function isForSrs({ reversePath }: Transaction, { mailbox }: Recipient): boolean {
  return reversePath === null && rewritten.test(mailbox.localPart)
}

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
async function withoutPostmaster(accounts: AccountReader): Promise<readonly Doubt[]> {
  const missing: string[] = []
  for (const { name } of await accounts.listDomains({ limit: looksAt })) {
    // oxlint-disable-next-line no-await-in-loop -- a file of our own, asked while nobody waits
    const found = await findAddress(accounts, { localPart: 'postmaster', domain: name })
    if (found?.kind === 'nobody' && found.domain.catchAll === 'bounce') missing.push(name)
  }
  if (missing.length === 0) return []
  return [
    {
      problem: `nobody is postmaster of ${named(missing)}`,
      remedy: 'for each of them: postern alias add postmaster@DOMAIN somebody@DOMAIN',
      code: 'no-postmaster',
    },
  ]
}

async function deadEnds(accounts: AccountReader): Promise<readonly Doubt[]> {
  const found: string[] = []
  for (const { address } of await accounts.listAliases({ limit: looksAt })) {
    const mailbox = parseMailbox(address, { smtputf8: true })
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (mailbox !== undefined && (await isDeadEnd(accounts, mailbox))) found.push(address)
  }
  if (found.length === 0) return []
  return [
    {
      problem: `mail to the alias ${named(found)} is refused: it leads to nobody`,
      remedy:
        'for each of them: postern alias add ALIAS somebody@DOMAIN, or postern alias remove ALIAS',
      code: 'dead-end',
    },
  ]
}

function named(names: readonly string[]): string {
  return `${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ' and others' : ''}`
}
