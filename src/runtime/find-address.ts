import { asciiDomain } from '../mail/domain.ts'
import type { Mailbox } from '../mail/address.ts'
import { addressKey, type MailAlias, type MailDomain } from '../mail/mail-domain.ts'
import type { Quota } from '../mail/quota.ts'
import { accountDomain, type AccountEntry, type AccountReader } from './accounts.ts'

/** What is at an address of a mail domain. An alias comes before the user of its name, who may be among its targets. */
export type FoundAddress =
  | { readonly kind: 'alias'; readonly domain: MailDomain; readonly alias: MailAlias }
  | { readonly kind: 'user'; readonly domain: MailDomain; readonly account: AccountEntry }
  /** The catch-all of the domain says what becomes of it. */
  | { readonly kind: 'nobody'; readonly domain: MailDomain }

/** @returns undefined where the domain is none of ours. @throws PosternError ACCOUNTS_FAILED */
export async function findAddress(
  accounts: AccountReader,
  mailbox: Mailbox,
): Promise<FoundAddress | undefined> {
  if (mailbox.domain === '') return undefined
  const domain = await meantDomain(accounts, asciiDomain(mailbox.domain))
  if (domain === undefined) return undefined
  const address = addressKey({ ...mailbox, domain: domain.name })
  const alias = await accounts.findAlias(address)
  if (alias !== undefined) return { kind: 'alias', domain, alias }
  const account = await accounts.find(address)
  return account === undefined ? { kind: 'nobody', domain } : { kind: 'user', domain, account }
}

/** Knows mail domains, and which names are aliases of them. */
export type DomainReader = Pick<AccountReader, 'findDomain' | 'findDomainAlias'>

/** The mail domain of this name, or the one that the name is an alias of. @throws PosternError ACCOUNTS_FAILED */
export async function meantDomain(
  accounts: DomainReader,
  name: string,
): Promise<MailDomain | undefined> {
  const domain = await accounts.findDomain(name)
  if (domain !== undefined) return domain
  const alias = await accounts.findDomainAlias(name)
  return alias && accounts.findDomain(alias.domain)
}

/**
 * Who logs in under this name: the user who bears it, or who bears it in the domain that its domain is an alias of.
 * @throws PosternError ACCOUNTS_FAILED
 */
export async function findLogin(
  accounts: AccountReader,
  user: string,
): Promise<AccountEntry | undefined> {
  const account = await accounts.find(user)
  const domain = accountDomain(user)
  if (account !== undefined || domain === undefined) return account
  const alias = await accounts.findDomainAlias(asciiDomain(domain) || domain)
  if (alias === undefined) return undefined
  return accounts.find(`${user.slice(0, user.lastIndexOf('@'))}@${alias.domain}`)
}

/** What a mailbox may hold. */
export function quotaOf(account: Pick<AccountEntry, 'quota'>, domain: MailDomain): Quota {
  return account.quota ?? domain.defaultQuota ?? {}
}
