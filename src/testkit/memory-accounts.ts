import { accountKey, type Account, type AccountEntry, type Accounts } from '../runtime/accounts.ts'
import { PosternError } from '../mail/errors.ts'

/** Accounts in memory; a test may change them at any time. */
export interface MemoryAccounts extends Accounts {
  /** From now on every call fails, until told otherwise. */
  fail(failing: boolean): void
}

export function memoryAccounts(accounts: readonly Account[] = []): MemoryAccounts {
  const kept = new Map<string, AccountEntry>()
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
    list: ({ after = '', limit }) =>
      [...known().values()]
        .filter(({ user }) => user > after)
        .toSorted((a, b) => (a.user < b.user ? -1 : 1))
        .slice(0, limit),
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
