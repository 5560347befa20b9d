import { parseMailbox, type Mailbox } from '../mail/address.ts'
import type { AccountReader } from './accounts.ts'
import { findAddress, type FoundAddress } from './find-address.ts'

/** Whoever leads further is left to the courier. */
const mostLooks = 100

/**
 * Whether an alias, or a catch-all, leads to nobody: only to itself, to others that lead back, to addresses of ours that
 * nobody has, or to mailboxes that take no mail. Its mail would bounce. @throws PosternError ACCOUNTS_FAILED
 */
export async function isDeadEnd(accounts: AccountReader, mailbox: Mailbox): Promise<boolean> {
  const seen = new Set<string>()
  const waiting = [mailbox]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.size >= mostLooks) return false
    // oxlint-disable-next-line no-await-in-loop -- a file of our own; the first that leads to somebody is enough
    const found = await findAddress(accounts, next)
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (found === undefined || (await takesMail(accounts, found, next === mailbox))) return false
    const name = nameOf(found, next)
    if (!seen.has(name)) waiting.push(...targetsOf(found))
    seen.add(name)
  }
  return true
}

/** An alias may name itself, and mean the mailbox of that name: the address where we begin is not named by anybody. */
async function takesMail(
  accounts: AccountReader,
  found: FoundAddress,
  isFirst: boolean,
): Promise<boolean> {
  if (found.kind === 'nobody') return found.domain.catchAll === 'delete'
  const own =
    found.kind === 'alias' && !isFirst ? await accounts.find(found.alias.address) : undefined
  const account = found.kind === 'user' ? found.account : own
  return account !== undefined && account.flags?.has('no-mail') !== true
}

function targetsOf(found: FoundAddress): readonly Mailbox[] {
  if (found.kind === 'alias') return mailboxesIn(found.alias.targets)
  const catchAll = found.kind === 'nobody' ? found.domain.catchAll : 'bounce'
  return typeof catchAll === 'string' ? [] : mailboxesIn([catchAll.to])
}

/** Aliases by themselves, so that none is followed twice, whatever name of its domain it is called by. */
function nameOf(found: FoundAddress, { localPart, domain }: Mailbox): string {
  return found.kind === 'alias' ? found.alias.address : `${localPart}@${domain}`
}

function mailboxesIn(addresses: readonly string[]): readonly Mailbox[] {
  return addresses.flatMap((address) => parseMailbox(address, { smtputf8: true }) ?? [])
}
