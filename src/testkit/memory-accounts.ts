import {
  accountDomain,
  accountKey,
  type Account,
  type AccountEntry,
  type Accounts,
} from '../runtime/accounts.ts'
import type { DomainAlias, MailAlias, MailDomain } from '../mail/mail-domain.ts'
import type { NameRange } from '../runtime/mail-domains.ts'
import { PosternError } from '../mail/errors.ts'

/** Accounts in memory; a test may change them at any time. */
export interface MemoryAccounts extends Accounts {
  /** From now on every call fails, until told otherwise. */
  fail(failing: boolean): void
}

export function memoryAccounts(accounts: readonly Account[] = []): MemoryAccounts {
  const kept = new Map<string, AccountEntry>()
  const domains = new Map<string, MailDomain>()
  const aliases = new Map<string, MailAlias>()
  const domainAliases = new Map<string, DomainAlias>()
  let failing = false
  const known = (): Map<string, AccountEntry> => {
    if (failing) throw new PosternError('ACCOUNTS_FAILED', 'the test says so')
    return kept
  }
  const keep = (account: Account): void => {
    const user = accountKey(account.user)
    kept.set(user, { ...account, user, createdAt: 0, changedAt: 0 })
  }
  for (const account of accounts) keep(account)
  return {
    find: (user) => known().get(accountKey(user)),
    list: (range) => within(known(), range),
    findDomain: (name) => known() && domains.get(accountKey(name)),
    listDomains: (range) => within(domains, range),
    findDomainAlias: (name) => known() && domainAliases.get(accountKey(name)),
    listDomainAliases: ({ domain, ...range }) => {
      const mean = [...domainAliases].filter(
        ([, alias]) => alias.domain === (domain ?? alias.domain),
      )
      return within(new Map(mean), range)
    },
    findAlias: (address) => known() && aliases.get(accountKey(address)),
    listAliases: (range) => within(aliases, range),
    putDomain: async (domain) => void domains.set(accountKey(domain.name), domain),
    async removeDomain(name) {
      const domain = accountKey(name)
      if (!domains.delete(domain)) return false
      for (const map of [kept, aliases]) {
        for (const key of map.keys()) if (accountDomain(key) === domain) map.delete(key)
      }
      for (const { name, domain: means } of domainAliases.values()) {
        if (means === domain) domainAliases.delete(name)
      }
      return true
    },
    putDomainAlias: async (alias) => void domainAliases.set(accountKey(alias.name), alias),
    removeDomainAlias: async (name) => domainAliases.delete(accountKey(name)),
    putAlias: async ({ address, targets }) =>
      void aliases.set(accountKey(address), { address: accountKey(address), targets }),
    removeAlias: async (address) => aliases.delete(accountKey(address)),
    async add(account) {
      if (known().has(accountKey(account.user))) return false
      keep(account)
      return true
    },
    async change(account) {
      if (!known().has(accountKey(account.user))) return false
      keep(account)
      return true
    },
    remove: async (user) => known().delete(accountKey(user)),
    close: async () => {},
    fail: (value) => {
      failing = value
    },
  }
}

function within<T>(
  map: ReadonlyMap<string, T>,
  { after = '', limit, domain }: NameRange & { readonly domain?: string },
): readonly T[] {
  return [...map]
    .filter(([key]) => key > after && (domain === undefined || accountDomain(key) === domain))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([, value]) => value)
}
