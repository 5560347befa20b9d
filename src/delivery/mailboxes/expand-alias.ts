/**
 * Where the mail of an alias goes in the end. Aliases of aliases are followed here; an address with a mailbox of its own is
 * an end, whatever it does with its mail. Bounded in depth and count; what leads back to where it came from is left out.
 */
import { parseMailbox, type Mailbox } from '../../mail/address.ts'
import { addressKey, mostTargets, type MailAlias } from '../../mail/mail-domain.ts'
import { accountDomain, type AccountEntry, type AccountReader } from '../../runtime/accounts.ts'
import { meantDomain } from '../../runtime/find-address.ts'

export type Expansion =
  | {
      /** Each once. */
      readonly to: readonly Mailbox[]
      /** The alias names itself, and this is who has the address. */
      readonly own?: AccountEntry
    }
  | 'loop'
  | 'too much'

const deepest = 10

/** @throws PosternError ACCOUNTS_FAILED */
export async function expandAlias(accounts: AccountReader, alias: MailAlias): Promise<Expansion> {
  const ends = new Map<string, Mailbox>()
  const followed = new Set([alias.address])
  let names = false
  let level = [alias]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === deepest) return 'too much'
    const next: MailAlias[] = []
    for (const mailbox of level.flatMap(({ targets }) => targets.flatMap(mailboxIn))) {
      // oxlint-disable-next-line no-await-in-loop -- a file of our own; the next depends on what it says
      const key = await keyOf(accounts, mailbox)
      if (key === alias.address) names = true
      if (followed.has(key) || ends.has(key)) continue
      const further = await aliasWithoutMailbox(accounts, key)
      if (further === undefined) ends.set(key, mailbox)
      else {
        followed.add(key)
        next.push(further)
      }
      if (followed.size + ends.size > mostTargets + 1) return 'too much'
    }
    level = next
  }
  const own = names ? await accounts.find(alias.address) : undefined
  if (own === undefined && ends.size === 0) return 'loop'
  return { to: [...ends.values()], ...(own === undefined ? {} : { own }) }
}

/** By the name that its domain has as a mail domain. */
async function keyOf(accounts: AccountReader, mailbox: Mailbox): Promise<string> {
  const key = addressKey(mailbox)
  const means = await meantDomain(accounts, accountDomain(key) ?? '')
  return means === undefined ? key : addressKey({ ...mailbox, domain: means.name })
}

async function aliasWithoutMailbox(
  accounts: AccountReader,
  key: string,
): Promise<MailAlias | undefined> {
  const alias = await accounts.findAlias(key)
  if (alias === undefined || (await accounts.find(key)) !== undefined) return undefined
  return alias
}

/** None for what is no address: it cannot be written by our own commands. */
function mailboxIn(text: string): readonly Mailbox[] {
  const mailbox = parseMailbox(text, { smtputf8: true })
  return mailbox === undefined ? [] : [mailbox]
}
