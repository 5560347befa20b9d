/** Domains, their users' limits and aliases, for `postern domain`, `alias` and `user`: whether the gateway runs or not. */
import {
  formatDomainAlias,
  formatMailAlias,
  formatMailDomain,
  parseMailDomainLines,
  readDomainAlias,
  readMailAlias,
  readMailDomain,
} from '../formats/mail-domain-lines.ts'
import { parseMailbox } from '../mail/address.ts'
import { asciiDomain } from '../mail/domain.ts'
import { PosternError } from '../mail/errors.ts'
import {
  addressKey,
  type DomainAlias,
  type MailAlias,
  type MailDomain,
} from '../mail/mail-domain.ts'
import { isLimited, type Quota } from '../mail/quota.ts'
import { accountDomain, type Account, type Accounts } from '../runtime/accounts.ts'
import { quotaOf } from '../runtime/find-address.ts'
import { allAccounts, pages } from './user-accounts.ts'

const refused = (text: string): PosternError => new PosternError('CONFIG_INVALID', text)

export function allDomains(accounts: Accounts): AsyncGenerator<MailDomain, void> {
  return pages(
    (range) => accounts.listDomains(range),
    ({ name }) => name,
  )
}

/** @param domain only those of this one */
export function allAliases(accounts: Accounts, domain?: string): AsyncGenerator<MailAlias, void> {
  const only = domain === undefined ? {} : { domain: asciiDomain(domain) }
  return pages(
    (range) => accounts.listAliases({ ...range, ...only }),
    ({ address }) => address,
  )
}

/** @param domain only those that mean this one */
export function allDomainAliases(
  accounts: Accounts,
  domain?: string,
): AsyncGenerator<DomainAlias, void> {
  const only = domain === undefined ? {} : { domain: asciiDomain(domain) }
  return pages(
    (range) => accounts.listDomainAliases({ ...range, ...only }),
    ({ name }) => name,
  )
}

/** @param words settings, `key=value` each. @returns the domain. @throws PosternError CONFIG_INVALID, ACCOUNTS_FAILED */
export async function addDomain(
  accounts: Accounts,
  name: string,
  words: readonly string[],
): Promise<MailDomain> {
  const domain = right(readMailDomain(name, words))
  if ((await accounts.findDomain(domain.name)) !== undefined) {
    throw refused(`there is a domain ${domain.name} already; see postern domain set`)
  }
  const alias = await accounts.findDomainAlias(domain.name)
  if (alias !== undefined) {
    throw refused(`${alias.name} means ${alias.domain}; see postern domain unalias`)
  }
  await accounts.putDomain(domain)
  return domain
}

/** @returns the domain as it is now. @throws PosternError CONFIG_INVALID, ACCOUNTS_FAILED */
export async function setDomain(
  accounts: Accounts,
  name: string,
  words: readonly string[],
): Promise<MailDomain> {
  const before = await accounts.findDomain(asciiDomain(name))
  if (before === undefined) throw refused(`there is no domain ${name}`)
  const domain = right(readMailDomain(name, words, before))
  await accounts.putDomain(domain)
  return domain
}

/**
 * From now on `name` is another name of `domain`; whatever it meant before.
 * @returns it
 * @throws PosternError CONFIG_INVALID, ACCOUNTS_FAILED
 */
export async function aliasDomain(
  accounts: Accounts,
  name: string,
  domain: string,
): Promise<DomainAlias> {
  const alias = right(readDomainAlias(name, domain))
  const problem = await domainAliasProblem(accounts, alias)
  if (problem !== undefined) throw refused(problem)
  await accounts.putDomainAlias(alias)
  return alias
}

async function domainAliasProblem(
  accounts: Accounts,
  { name, domain }: DomainAlias,
): Promise<string | undefined> {
  if ((await accounts.findDomain(name)) !== undefined) {
    return `${name} is a domain of its own; see postern domain remove`
  }
  const found = await accounts.findDomain(domain)
  return found === undefined ? `there is no domain ${domain}; see postern domain add` : undefined
}

/** @returns false where there is no such alias */
export function unaliasDomain(accounts: Accounts, name: string): Promise<boolean> {
  return accounts.removeDomainAlias(asciiDomain(name))
}

/** The addresses come to those that the alias has already. @returns the alias as it is now. @throws PosternError CONFIG_INVALID, ACCOUNTS_FAILED */
export async function addAlias(
  accounts: Accounts,
  address: string,
  targets: readonly string[],
): Promise<MailAlias> {
  const alias = right(readMailAlias(address, targets))
  const before = await accounts.findAlias(alias.address)
  if (before === undefined) await checkRoomForAlias(accounts, alias.address)
  const all = [...(before?.targets ?? []), ...alias.targets]
  const after = right(readMailAlias(alias.address, all))
  await accounts.putAlias(after)
  return after
}

/** @param targets what is taken from it; nothing: the whole alias. @returns false where there is none */
export async function removeAlias(
  accounts: Accounts,
  address: string,
  targets: readonly string[] = [],
): Promise<boolean> {
  const mailbox = parseMailbox(address, { smtputf8: true })
  if (mailbox === undefined) return false
  const key = addressKey(mailbox)
  if (targets.length === 0) return accounts.removeAlias(key)
  const alias = await accounts.findAlias(key)
  const left = alias?.targets.filter((target) => !targets.includes(target)) ?? []
  if (alias === undefined || left.length === alias.targets.length) return false
  if (left.length === 0) return accounts.removeAlias(key)
  await accounts.putAlias({ address: key, targets: left })
  return true
}

async function checkRoomForAlias(accounts: Accounts, address: string): Promise<void> {
  const domain = await accounts.findDomain(accountDomain(address) ?? '')
  if (domain === undefined) {
    throw refused(`${address} is in no domain of ours; see postern domain add`)
  }
  if (domain.maxAliases === undefined) return
  if ((await countUpTo(allAliases(accounts, domain.name), domain.maxAliases)) >= domain.maxAliases)
    throw refused(`${domain.name} may have ${domain.maxAliases} aliases and no more`)
}

/**
 * Whether its domain has room for a user, or for a user's other quota. One who is in no mail domain is a login and
 * nothing else. @throws PosternError CONFIG_INVALID, ACCOUNTS_FAILED
 */
export async function checkRoomForUser(accounts: Accounts, account: Account): Promise<void> {
  const name = accountDomain(account.user) ?? ''
  const domain = await accounts.findDomain(name)
  if (domain === undefined) {
    const alias = await accounts.findDomainAlias(name)
    if (alias !== undefined) throw refused(`${name} means ${alias.domain}: add the user there`)
    if (account.quota === undefined) return
    throw refused(`${account.user} is in no domain of ours; see postern domain add`)
  }
  const mailbox = parseMailbox(account.user, { smtputf8: true })
  if (mailbox === undefined) throw refused(`${account.user} cannot be an address`)
  const { maxUsers, quota } = domain
  if (maxUsers === undefined && quota === undefined) return
  let users = 0
  let isThere = false
  const quotas: [string, Quota][] = [[account.user, quotaOf(account, domain)]]
  for await (const other of allAccounts(accounts, name)) {
    if (other.user === addressKey(mailbox)) {
      isThere = true
      continue
    }
    users += 1
    if (users >= (maxUsers ?? Infinity)) throw refused(`${name} may have ${users} users, no more`)
    quotas.push([other.user, quotaOf(other, domain)])
  }
  if (quota === undefined) return
  // Where nobody had one, as in a vpopmail that came over, they get theirs one after the other.
  const known = quotas.filter(([user, each]) => user === account.user || isLimited(each))
  checkSum(isThere ? known : quotas, quota, name)
}

/** A user without a quota may fill the domain by herself. */
function checkSum(quotas: readonly (readonly [string, Quota])[], whole: Quota, name: string): void {
  for (const key of ['bytes', 'messages'] as const) {
    const most = whole[key]
    if (most === undefined) continue
    const [without] = quotas.find(([, quota]) => quota[key] === undefined) ?? []
    if (without !== undefined) {
      throw refused(`each user of ${name} must have a quota of ${key}; ${without} has none`)
    }
    const sum = quotas.reduce((before, [, quota]) => before + (quota[key] ?? 0), 0)
    if (sum > most) throw refused(`the quotas of ${name} would come to ${sum} of ${most} ${key}`)
  }
}

async function countUpTo(items: AsyncIterable<unknown>, most: number): Promise<number> {
  let count = 0
  if (most === 0) return count
  for await (const _ of items) if (++count >= most) break
  return count
}

/** Everything but the users, as lines that `importDomains` reads. */
export async function* domainLines(accounts: Accounts): AsyncGenerator<string, void> {
  for await (const domain of allDomains(accounts)) yield formatMailDomain(domain)
  for await (const alias of allDomainAliases(accounts)) yield formatDomainAlias(alias)
  for await (const alias of allAliases(accounts)) yield formatMailAlias(alias)
}

export interface ImportedDomains {
  readonly domains: number
  readonly domainAliases: number
  readonly aliases: number
  readonly mistakes: readonly string[]
}

/**
 * In place of those that bear the same names; what is wrong is left out and told.
 * @param told called before each alias, of which there may be many thousands, with how many are done, of how many
 */
export async function importDomains(
  accounts: Accounts,
  text: string,
  told: (done: number, all: number) => void = () => undefined,
): Promise<ImportedDomains> {
  const { domains, domainAliases, aliases, mistakes } = parseMailDomainLines(text)
  const wrong = mistakes.map(({ line, text: shown, remedy }) => `line ${line}: ${shown}: ${remedy}`)
  // oxlint-disable-next-line no-await-in-loop -- one after the other: the last of two equal names counts
  for (const domain of domains) await accounts.putDomain(domain)
  let renamed = 0
  for (const alias of domainAliases) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    const problem = await domainAliasProblem(accounts, alias)
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (problem === undefined) await accounts.putDomainAlias(alias)
    if (problem === undefined) renamed += 1
    else wrong.push(problem)
  }
  let taken = 0
  for (const [index, alias] of aliases.entries()) {
    told(index, aliases.length)
    // oxlint-disable-next-line no-await-in-loop -- as above
    if ((await accounts.findDomain(accountDomain(alias.address) ?? '')) === undefined) {
      wrong.push(`${alias.address} is in no domain of ours`)
      continue
    }
    // oxlint-disable-next-line no-await-in-loop -- as above
    await accounts.putAlias(alias)
    taken += 1
  }
  return {
    domains: domains.length,
    domainAliases: renamed,
    aliases: taken,
    mistakes: wrong,
  }
}

function right<T>(read: T | string): T {
  if (typeof read === 'string') throw refused(read)
  return read
}
