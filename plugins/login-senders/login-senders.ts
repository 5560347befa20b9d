/**
 * Who logs in sends as themselves: the reverse-path must be the login's own address, or one that a table gives to it. Whoever
 * has not logged in is not asked about.
 */
import {
  asciiDomain,
  definePlugin,
  mailboxKey,
  option,
  parseMailbox,
  pass,
  reject,
  formatPath,
  type AccountReader,
  type Mailbox,
  type Session,
  type Table,
} from 'postern/plugin'

export const loginSenders = definePlugin({
  name: 'login-senders',
  summary: 'Lets a login send from its own addresses only.',
  options: {
    table: option.table({
      default: 'tables/login-senders',
      description:
        'A login, then what else it may send from: addresses, @domain; * stands for all.',
    }),
    own: option.boolean({
      default: true,
      description: 'A login may send from the address that it is.',
    }),
    domain: option.string({
      default: '',
      description: 'Of logins without one; our own name where empty.',
    }),
    separator: option.string({
      default: '+',
      maxLength: 1,
      description: 'What follows it in a local-part does not count; empty: all counts.',
    }),
    null_path: option.boolean({
      default: true,
      description: 'A login may send with an empty reverse-path: receipts and notices.',
    }),
  },
  setup: (_options, { accounts }) => ({
    async mail({ session, reversePath }, { options, signal }) {
      const { user } = session
      if (user === undefined) return pass()
      const { table, own, separator } = options
      const domain = options.domain === '' ? session.hostname : options.domain
      const login = { user, domain, separator }
      const allowed =
        reversePath === null
          ? options.null_path
          : (own && isOwn(reversePath, login)) ||
            owns(await givenTo([user, '*'], table, signal), reversePath, separator) ||
            (own && (await isOwnElsewhere(reversePath, login, accounts)))
      return allowed ? pass() : refusal(session, reversePath)
    },
  }),
})

function refusal(session: Session, reversePath: Mailbox | null) {
  return reject('5.7.1', 'Your login may not send from this address', {
    reason: 'SENDER_NOT_OWNED',
    evidence: { login: session.user ?? '', reversePath: formatPath(reversePath) },
  })
}

interface Login {
  readonly user: string
  readonly domain: string
  readonly separator: string
}

function isOwn(path: Mailbox, { user, domain, separator }: Login): boolean {
  const address = user.includes('@') ? user : `${user}@${domain}`
  return isAddress(path, address, separator)
}

/** The same address in a domain that is another name of the login's (`postern domain alias`). */
async function isOwnElsewhere(
  path: Mailbox,
  login: Login,
  accounts: AccountReader,
): Promise<boolean> {
  const alias = await accounts.findDomainAlias(asciiDomain(path.domain))
  return alias !== undefined && isOwn({ ...path, domain: alias.domain }, login)
}

/** What the table says of these, in one list. */
async function givenTo(
  keys: readonly string[],
  table: Table,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const values = await Promise.all(keys.map(async (key) => table.get(key, signal)))
  return values.flatMap((value) => value?.split(/[\s,]+/) ?? [])
}

function owns(list: readonly string[], path: Mailbox, separator: string): boolean {
  return list.some((item) => {
    if (item === '*') return true
    const domain = /^\*?@(.+)$/.exec(item)?.[1]
    if (domain === undefined) return isAddress(path, item, separator)
    return asciiDomain(domain) === asciiDomain(path.domain)
  })
}

/** Local-parts are compared without regard to case: nobody has two mailboxes that differ by it. */
function isAddress(path: Mailbox, address: string, separator: string): boolean {
  const owned = parseMailbox(address, { smtputf8: true })
  if (owned === undefined) return false
  const key = (mailbox: Mailbox): string => mailboxKey(mailbox).toLowerCase()
  return key(owned) === key(path) || key(owned) === key(withoutTag(path, separator))
}

function withoutTag(mailbox: Mailbox, separator: string): Mailbox {
  const at = separator === '' ? -1 : mailbox.localPart.indexOf(separator)
  return at > 0 ? { ...mailbox, localPart: mailbox.localPart.slice(0, at) } : mailbox
}
