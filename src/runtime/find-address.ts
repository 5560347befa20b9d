import { asciiDomain } from '../mail/domain.ts'
import type { Mailbox } from '../mail/address.ts'
import { addressKey, type MailAlias, type MailDomain } from '../mail/mail-domain.ts'
import type { Quota } from '../mail/quota.ts'
import type { AccountEntry, AccountReader } from './accounts.ts'

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
  const domain = await accounts.findDomain(asciiDomain(mailbox.domain))
  if (domain === undefined) return undefined
  const address = addressKey(mailbox)
  const alias = await accounts.findAlias(address)
  if (alias !== undefined) return { kind: 'alias', domain, alias }
  const account = await accounts.find(address)
  return account === undefined ? { kind: 'nobody', domain } : { kind: 'user', domain, account }
}

/** What a mailbox may hold. */
export function quotaOf(account: Pick<AccountEntry, 'quota'>, domain: MailDomain): Quota {
  return account.quota ?? domain.defaultQuota ?? {}
}
